// What the SDK needs of the world, as parameters: a simulation drives the same queue, batcher and sender over a seeded
// clock, network and disk.

import * as fs from "node:fs";
import { atProcessEnd, type ProcessEnd } from "./process-end.ts";
import type { Files } from "./spool/segments.ts";

export interface Environment {
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
  /** Runs `task` later without keeping the process alive; returns how to cancel it. */
  readonly later: (delayMs: number, task: () => void) => () => void;
  readonly writeLine: (line: string) => void;
  /** Where the spool is written. */
  readonly files: Files;
  /** Runs `task` at once when the process ends; returns how to take it back. */
  readonly atEnd: (task: (end: ProcessEnd) => void) => () => void;
}

export const processEnvironment: Environment = {
  nowMs: Date.now,
  random: Math.random,
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  later(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  writeLine: (line) => void process.stderr.write(line),
  files: fs,
  atEnd: atProcessEnd,
};
