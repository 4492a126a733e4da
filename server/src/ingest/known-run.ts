// What an ingesting server keeps of a run in memory: its keys and the names already stored. A cache over the store:
// any server can make it again.

import { runWriters } from "../storage/queries/keys.ts";
import { metricNames, runIdentity, runTombstone, tensorNames } from "../storage/queries/run-identity.ts";
import { runKey } from "../storage/keys.ts";
import type { Store } from "../storage/store.ts";

export interface KnownRun {
  readonly key: bigint;
  readonly project: string;
  readonly id: string;
  /** Partition of its data: year × 100 + month of its creation. */
  readonly month: number;
  readonly createdMs: number;
  /** Names already stored. */
  readonly metrics: Map<bigint, string>;
  readonly tensors: Set<bigint>;
  /** Keys that may write to it, and the hash of the token that each hands on. */
  readonly writers: Map<string, string>;
}

export interface RunWriter {
  /** Id of a key. */
  readonly key: string;
  /** Hash of the token that it hands on. */
  readonly token: string;
}

export type Lookup = KnownRun | "unknown" | "deleted";

export interface KnownRuns {
  find(project: string, id: string): Promise<Lookup>;
  /** Stores the identity of a new run; the earliest of several openings wins. */
  create(project: string, id: string, nowMs: number, writer: RunWriter): Promise<KnownRun>;
  /** Stores that one more key may write to it. */
  letIn(run: KnownRun, writer: RunWriter): Promise<void>;
  /** Reads who may write to it again. */
  reloadWriters(run: KnownRun): Promise<void>;
  /** What is known of it may be wrong by now: it is read again when it is needed. */
  forget(run: bigint): void;
}

/** Runs kept in memory; the one used longest ago goes first. */
const runsMax = 10_000;

export function createKnownRuns(store: Store): KnownRuns {
  const cache = new Map<bigint, Promise<Lookup>>();

  async function load(project: string, id: string): Promise<Lookup> {
    const run = runKey(project, id);
    const [tombstone] = await store.read(runTombstone, { run });
    if (tombstone !== undefined) return "deleted";
    const [identity] = await store.read(runIdentity, { project, run });
    if (identity === undefined) return "unknown";
    const [metrics, tensors, writers] = await Promise.all([
      store.read(metricNames, { run }),
      store.read(tensorNames, { run }),
      store.read(runWriters, { run }),
    ]);
    return {
      key: run,
      project,
      id,
      month: identity.month,
      createdMs: identity.created_ms,
      metrics: new Map(metrics.map((row) => [row.metric, row.name])),
      tensors: new Set(tensors.map((row) => row.tensor)),
      writers: new Map(writers.map((row) => [row.key, row.token])),
    };
  }

  async function find(project: string, id: string): Promise<Lookup> {
    const key = runKey(project, id);
    const loading = cache.get(key) ?? load(project, id);
    cache.delete(key);
    cache.set(key, loading);
    if (cache.size > runsMax) cache.delete(cache.keys().next().value as bigint);
    try {
      const found = await loading;
      if (typeof found === "string") cache.delete(key);
      return found;
    } catch (error) {
      cache.delete(key);
      throw error;
    }
  }

  const storeWriter = (run: bigint, { key, token }: RunWriter, nowMs: number): Promise<void> =>
    store.insertRows("run_writers", [{ run: run.toString(), key, token, time_ms: nowMs }]);

  return {
    find,
    forget: (run) => void cache.delete(run),
    async create(project, id, nowMs, writer) {
      const run = runKey(project, id);
      // First: a run without a writer would be nobody's.
      await storeWriter(run, writer, nowMs);
      await store.insertRows("runs", [{ project, run: run.toString(), id, created_ms: nowMs, month: monthOf(nowMs) }]);
      const found = await find(project, id);
      if (typeof found === "string") throw new Error(`run ${project}/${id} is ${found} right after it was created`);
      return found;
    },
    async letIn(run, writer) {
      await storeWriter(run.key, writer, Date.now());
      run.writers.set(writer.key, writer.token);
    },
    async reloadWriters(run) {
      for (const { key, token } of await store.read(runWriters, { run: run.key })) run.writers.set(key, token);
    },
  };
}

/** Year × 100 + month, in UTC. */
export function monthOf(ms: number): number {
  const date = new Date(ms);
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
}
