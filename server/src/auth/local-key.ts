// The key of the server's own user: written at start into a 0600 file for each of its addresses, where the SDK and the command
// line of the same user find it. It stays the same over restarts as long as only its user could read the file.

import { userInfo } from "node:os";
import { isPrivate, readKey, writeKey } from "@gradwatch/proto";
import { type ApiKey, hashOf, isSameHash, parseApiKey, textOf } from "./api-key.ts";
import type { Keyring } from "./keyring.ts";

export interface LocalKeyOptions {
  readonly keyring: Keyring;
  readonly folder: string;
  /** host:port, as programs on this machine name the server. */
  readonly addresses: readonly string[];
}

/** @throws Error with one clear line when the files cannot be written. */
export async function ensureLocalKey({ keyring, folder, addresses }: LocalKeyOptions): Promise<ApiKey> {
  let key: ApiKey | undefined;
  for (const address of addresses) key ??= await usable(keyring, folder, address);
  key ??= await keyring.create({ kind: "local", owner: userName(), scopes: ["admin"], projects: ["*"], expiresMs: null }, "server");
  try {
    for (const address of addresses) writeKey(folder, address, textOf(key));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the key of this server's user cannot be written: ${reason}. Name a writable folder of yours in GRADWATCH_KEYS.`, {
      cause: error,
    });
  }
  return key;
}

async function usable(keyring: Keyring, folder: string, address: string): Promise<ApiKey | undefined> {
  const key = parseApiKey(readKey(folder, address) ?? "");
  if (key === undefined || !isPrivate(folder, address)) return undefined;
  const stored = await keyring.find(key.id);
  if (stored?.kind !== "local" || !isSameHash(stored.hash, hashOf(key.secret))) return undefined;
  return keyring.stateOf(key.id) === "active" ? key : undefined;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as in some containers.
    return "local";
  }
}
