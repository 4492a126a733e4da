// The key in a browser's cookie: made of another key, may do less than it, and ends with it. So neither the address that the server
// prints nor a cookie, which browsers show to every port of a host, holds a key that manages keys.

import type { ApiKey } from "./api-key.ts";
import type { Keyring } from "./keyring.ts";

/** What a browser may do that was given a key: all but managing keys and sending data. */
const sessionScopes = ["read", "write", "control"] as const;
export const sessionMs: number = 30 * 86_400_000;

export async function createSession(keyring: Keyring, of: string, nowMs: number): Promise<ApiKey> {
  const parent = await keyring.find(of);
  if (parent === undefined) throw new Error(`there is no key ${of}`);
  const scopes = parent.scopes.includes("admin") ? sessionScopes : parent.scopes.filter((scope) => scope !== "ingest");
  const { owner, projects } = parent;
  const expiresMs = nowMs + sessionMs;
  return await keyring.create({ kind: "session", owner, scopes: [...scopes], projects, expiresMs, parent: of }, of);
}
