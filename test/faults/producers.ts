// Training processes that log through every fault, and the comparison at the end: what each logged, drawn again from its seed,
// against a full export of the store, value for value and bit for bit.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { FinishReport } from "@gradwatch/sdk";
import type { Store } from "../../server/src/storage/store.ts";
import { expectedPoints, expectedTensors } from "../e2e/expected-points.ts";
import { exportFrom } from "../e2e/full-export.ts";

const script = fileURLToPath(new URL("./log-until-told.ts", import.meta.url));

/** What one run logged, and what its SDK says became of it. */
export interface Logged {
  readonly id: string;
  readonly seed: number;
  readonly steps: number;
  readonly report: FinishReport;
}

export interface ProducerOptions {
  /** host:port of gRPC. */
  readonly url: string;
  /** Key for an address that no server has written one for: a proxy's. */
  readonly apiKey?: string;
  readonly processes: number;
  readonly runsEach: number;
  readonly seed: number;
  /** Between bursts of 10 steps. Default 40. */
  readonly pauseMs?: number;
}

export interface Producers {
  /** Tells all to finish; resolves with what they logged. @throws Error when a process failed. */
  finish(): Promise<Logged[]>;
  /** SIGKILLs what still runs and removes the spools. */
  dispose(): void;
}

export async function startProducers(options: ProducerOptions): Promise<Producers> {
  const spool = mkdtempSync(join(tmpdir(), "gradwatch-faults-spool-"));
  const key = options.apiKey === undefined ? {} : { GRADWATCH_API_KEY: options.apiKey };
  const all = Array.from({ length: options.processes }, (_none, i) => {
    const args = [options.url, `run-${i}`, options.seed + i, options.runsEach, options.pauseMs ?? 40].map(String);
    const child = spawn(process.execPath, ["--conditions=source", script, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      // A spool each: what one could not deliver must not arrive by another.
      env: { ...process.env, ...key, GRADWATCH_SPOOL: join(spool, String(i)) },
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    let last = "";
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => (last = line));
    const closed = once(child, "close").then(([code]) => {
      if (code !== 0) throw new Error(`a producer ended with ${code}: ${stderr}`);
      return JSON.parse(last) as Logged[];
    });
    closed.catch(() => undefined);
    return { child, closed, logging: Promise.race([once(lines, "line"), closed]) };
  });
  await Promise.all(all.map(({ logging }) => logging));
  return {
    async finish() {
      for (const { child } of all) child.stdin.write("finish\n");
      return (await Promise.all(all.map(({ closed }) => closed))).flat();
    },
    dispose() {
      for (const { child } of all) child.kill("SIGKILL");
      rmSync(spool, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

/**
 * What is wrong with the store, in words; empty when everything that was logged is acknowledged, and there once and equal, and
 * nothing else is.
 */
export async function wrongIn(store: Store, logged: readonly Logged[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const { id, seed, steps, report } of logged) {
    const { logged: all, acknowledged, rejected, pending, dropped } = report;
    if (all === 0 || acknowledged !== all || rejected + pending > 0 || Object.keys(dropped).length > 0) {
      wrong.push(`${id}: not everything is acknowledged: ${JSON.stringify(report)}`);
    }
    const stored = await exportFrom(store, "faults", id);
    wrong.push(...differences(id, expectedPoints(seed, steps).map(lineOf), stored.points.map(lineOf)));
    wrong.push(...differences(id, expectedTensors(steps).map(lineOf), stored.tensors.map(lineOf)));
  }
  return wrong;
}

const lineOf = (row: object): string => Object.values(row).join(" ");
const TOLD_MAX = 5;

/** Rows that are missing, that nobody logged, and that are there twice. */
function differences(id: string, expected: readonly string[], stored: readonly string[]): string[] {
  const [wanted, found] = [new Set(expected), new Set(stored)];
  const missing = expected.filter((line) => !found.has(line));
  const foreign = stored.filter((line) => !wanted.has(line));
  const told = (what: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [`${id}: ${lines.length} of ${expected.length} rows ${what}: ${lines.slice(0, TOLD_MAX).join(", ")}`];
  const twice = stored.length - found.size;
  return [
    ...told("are missing", missing),
    ...told("were never logged", foreign),
    ...(twice === 0 ? [] : [`${id}: ${twice} rows are there more than once`]),
  ];
}
