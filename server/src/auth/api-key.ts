// The text of a key: `gw_`, 12 hexadecimal digits that name it, `_`, 64 that are the secret (256 random bits). The name is public
// and shows in lists and logs; of the secret only its SHA-256 is kept. (It is random, so a slow hash would add nothing.)

import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

export interface ApiKey {
  readonly id: string;
  readonly secret: string;
}

const pattern = /^gw_([\da-f]{12})_([\da-f]{64})$/;

export const newApiKey = (): ApiKey => ({ id: randomBytes(6).toString("hex"), secret: randomBytes(32).toString("hex") });

export const textOf = ({ id, secret }: ApiKey): string => `gw_${id}_${secret}`;

/** Undefined: it is no key. */
export function parseApiKey(text: string): ApiKey | undefined {
  const [, id, secret] = pattern.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** 64 hexadecimal digits. */
export const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** Takes the same time wherever they differ. */
export const isSameHash = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** What a key hands on with one run: derived, so that it is the same at every opening. */
export const runTokenOf = (secret: string, project: string, run: string): string =>
  `gwr_${createHmac("sha256", secret).update(`${project}\0${run}`).digest("hex")}`;
