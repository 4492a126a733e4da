// All keys that there are, folded from their appended events and kept for a second: what another server creates or revokes is
// known within it. While the store is away the last state stands; nothing can be read or written then either. Whoever holds a
// stream open for a key is told when the key ends.

import { z } from "zod";
import { keyEvents } from "../storage/queries/keys.ts";
import type { Store } from "../storage/store.ts";
import { type ApiKey, hashOf, newApiKey } from "./api-key.ts";
import { scopes } from "./principal.ts";

/** What is stored of a key; never its secret. */
const KeyBody = z.object({
  /** "local": a server's own, for its user. "session": a browser's, made of another key. */
  kind: z.enum(["key", "local", "session"]),
  hash: z.string(),
  owner: z.string(),
  scopes: z.array(z.enum(scopes)),
  projects: z.array(z.string()),
  expiresMs: z.number().nullable(),
  /** A session ends with the key that it was made of. */
  parent: z.string().nullable(),
  /** An earlier key whose runs this one may go on with. */
  replaces: z.string().nullable(),
});

export interface StoredKey extends z.output<typeof KeyBody> {
  readonly id: string;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly revokedMs: number | null;
}

export type NewKey = Omit<z.input<typeof KeyBody>, "hash" | "parent" | "replaces"> &
  Partial<Pick<z.input<typeof KeyBody>, "parent" | "replaces">>;

/** "gone": there is no such key. */
export type KeyState = "active" | "expired" | "revoked" | "gone";

export interface Keyring {
  find(id: string): Promise<StoredKey | undefined>;
  /** By creation; sessions are not among them. */
  list(): Promise<StoredKey[]>;
  stateOf(id: string): KeyState;
  /** Ids of the keys that it replaces, itself first. */
  standsFor(id: string): string[];
  create(key: NewKey, actor: string): Promise<ApiKey>;
  revoke(id: string, actor: string): Promise<void>;
  /** Calls `ended` once when the key is revoked or expires; returns how to take it back. */
  watch(id: string, ended: (state: KeyState) => void): () => void;
}

/** Revocation is known within it, and a watched stream closed. */
const freshMs = 1_000;

export function createKeyring(store: Store, nowMs: () => number): Keyring {
  let keys = new Map<string, StoredKey>();
  let loadedMs = Number.NEGATIVE_INFINITY;
  let loading: Promise<void> | undefined;
  const watchers = new Set<{ readonly id: string; readonly ended: (state: KeyState) => void }>();
  let sweeping: NodeJS.Timeout | undefined;

  async function load(): Promise<void> {
    try {
      keys = foldKeys(await store.read(keyEvents, {}));
    } catch (error) {
      if (loadedMs === Number.NEGATIVE_INFINITY) throw error;
    }
    loadedMs = nowMs();
  }

  async function refresh(): Promise<void> {
    if (nowMs() - loadedMs < freshMs) return;
    loading ??= load().finally(() => (loading = undefined));
    await loading;
  }

  /** What this server itself has just written must be seen at once, also if a read was under way. */
  async function reload(): Promise<void> {
    await loading?.catch(() => undefined);
    loadedMs = Math.min(loadedMs, nowMs() - freshMs);
    await refresh();
    sweep();
  }

  function stateOf(id: string): KeyState {
    const key = keys.get(id);
    if (key === undefined) return "gone";
    if (key.revokedMs !== null) return "revoked";
    if (key.expiresMs !== null && key.expiresMs <= nowMs()) return "expired";
    return key.parent === null ? "active" : stateOf(key.parent);
  }

  function sweep(): void {
    for (const watcher of watchers) {
      const state = stateOf(watcher.id);
      if (state !== "active" && watchers.delete(watcher)) watcher.ended(state);
    }
    if (watchers.size > 0) return;
    clearInterval(sweeping);
    sweeping = undefined;
  }

  return {
    async find(id) {
      await refresh();
      return keys.get(id);
    },
    async list() {
      await refresh();
      return [...keys.values()].filter(({ kind }) => kind !== "session");
    },
    stateOf,
    standsFor(id) {
      const chain: string[] = [];
      for (let at: string | null = id; at !== null && !chain.includes(at); at = keys.get(at)?.replaces ?? null) chain.push(at);
      return chain;
    },
    async create(key, actor) {
      const made = newApiKey();
      const body = KeyBody.parse({ parent: null, replaces: null, ...key, hash: hashOf(made.secret) });
      await store.insertRows("key_events", [{ key: made.id, event: "created", time_ms: nowMs(), actor, body: JSON.stringify(body) }]);
      await reload();
      return made;
    },
    async revoke(id, actor) {
      await store.insertRows("key_events", [{ key: id, event: "revoked", time_ms: nowMs(), actor, body: "" }]);
      await reload();
    },
    watch(id, ended) {
      const watcher = { id, ended };
      watchers.add(watcher);
      sweeping ??= setInterval(() => void refresh().then(sweep, sweep), freshMs).unref();
      return () => void watchers.delete(watcher);
    },
  };
}

type KeyEvent = z.output<(typeof keyEvents)["row"]>;

function foldKeys(events: readonly KeyEvent[]): Map<string, StoredKey> {
  const keys = new Map<string, StoredKey>();
  for (const { key, event, time_ms, actor, body } of events) {
    if (event !== "created") continue;
    keys.set(key, { ...KeyBody.parse(JSON.parse(body)), id: key, createdMs: time_ms, createdBy: actor, revokedMs: null });
  }
  for (const { key, event, time_ms } of events) {
    const created = keys.get(key);
    if (event === "revoked" && created !== undefined) keys.set(key, { ...created, revokedMs: time_ms });
  }
  return keys;
}
