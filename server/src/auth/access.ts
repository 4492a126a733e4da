// From the text of a key to who it is, or to why not. The same for HTTP and gRPC; what a key may do is decided in authorize.ts.

import { hashOf, isSameHash, parseApiKey, runTokenOf } from "./api-key.ts";
import { createFailureLimit, windowMs } from "./failure-limit.ts";
import type { Keyring, KeyState } from "./keyring.ts";
import type { Principal } from "./principal.ts";

export interface AuthFailure {
  readonly reason: "none" | "malformed" | "unknown" | "expired" | "revoked" | "too-many";
  /** Never holds the secret. */
  readonly message: string;
}

export interface Access {
  /** @param text the key as it was sent; undefined: none was. @throws StoreError when keys cannot be read. */
  authenticate(text: string | undefined, address: string): Promise<Principal | AuthFailure>;
  /** Calls `ended` once when the key ends; returns how to take it back. */
  watch(who: Principal, ended: (state: KeyState) => void): () => void;
  readonly keyring: Keyring;
}

export interface AccessOptions {
  readonly keyring: Keyring;
  readonly nowMs: () => number;
  /** Failed attempts of one address in a minute. */
  readonly failuresMax: number;
}

export function createAccess({ keyring, nowMs, failuresMax }: AccessOptions): Access {
  const limit = createFailureLimit(failuresMax, nowMs);

  async function find(text: string): Promise<Principal | AuthFailure> {
    const given = parseApiKey(text);
    if (given === undefined) {
      return {
        reason: "malformed",
        message: `what was given as API key is none: it has ${text.length} characters, a key is gw_…_… of 80.`,
      };
    }
    const key = await keyring.find(given.id);
    // Compared in any case: how long it takes does not tell whether there is such a key.
    const isSame = isSameHash(hashOf(given.secret), key?.hash ?? hashOf(given.id));
    if (key === undefined || !isSame) {
      return { reason: "unknown", message: `this server does not know key ${given.id}, or its secret is another. ${remedy}` };
    }
    const state = keyring.stateOf(key.id);
    if (state !== "active") {
      return {
        reason: state === "expired" ? "expired" : "revoked",
        message: `key ${key.id} of ${key.owner} ${endedWords(state)}. ${remedy}`,
      };
    }
    return {
      key: key.id,
      standsFor: keyring.standsFor(key.id),
      owner: key.owner,
      scopes: key.scopes,
      projects: key.projects,
      runToken: (project, run) => runTokenOf(given.secret, project, run),
    };
  }

  return {
    async authenticate(text, address) {
      if (text === undefined) return { reason: "none", message: `no API key was given. ${remedy}` };
      const found = await find(text);
      if (!isFailure(found) || !limit.note(address)) return found;
      return {
        reason: "too-many",
        message: `more than ${failuresMax} attempts with a wrong key from ${address} within ${windowMs / 1000} s (authFailuresMax). The last: ${found.message}`,
      };
    },
    watch: (who, ended) => keyring.watch(who.key, ended),
    keyring,
  };
}

export const isFailure = (found: Principal | AuthFailure): found is AuthFailure => "reason" in found;

export const endedWords = (state: KeyState): string => (state === "expired" ? "has expired" : "was revoked");

/** Of "Authorization: Bearer gw_…". */
export const bearerOf = (header: string | undefined): string | undefined => /^Bearer +(\S+)$/i.exec(header ?? "")?.[1];

const remedy =
  "Ask for a key (gradwatch keys create), and give it: option apiKey, GRADWATCH_API_KEY, gradwatch login, or the header Authorization: Bearer.";
