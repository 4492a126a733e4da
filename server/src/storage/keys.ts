// Compact integer keys of names. A key is the first 64 bits of a SHA-256 over the name, so any server computes the
// same one and nothing has to be coordinated; two names with one key are refused where names are first stored.

import { createHash } from "node:crypto";

/** Key of a run: its id is unique in the project. */
export const runKey = (project: string, run: string): bigint => hash64(`${project}\0${run}`);

/** Key of a metric within a run. */
export const metricKey = (name: string): bigint => hash64(name);

/** Key of a tensor within a run: one name may be logged as several kinds and in several phases. */
export const tensorKey = (kind: string, phase: string, name: string): bigint => hash64(`${kind}\0${phase}\0${name}`);

/** Deterministic id of an incident: whichever server finds it, it is the same one. */
export const incidentId = (run: bigint, rule: string, subject: string): string =>
  createHash("sha256").update(`${run}\0${rule}\0${subject}`).digest("hex").slice(0, 24);

const hash64 = (text: string): bigint => createHash("sha256").update(text).digest().readBigUInt64LE(0);
