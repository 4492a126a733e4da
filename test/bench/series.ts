// How fast a chart is: a million points as 2 000 buckets through HTTP, against a scan of the same points in SQL; the same while others
// write, against the same idle; and how long after log() a point is there to be read.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import type { SeriesResponse } from "@gradwatch/server/api-types";
import { metricKey, runKey } from "../../server/src/storage/keys.ts";
import { defineQuery, UInt64 } from "../../server/src/storage/query.ts";
import type { ServerProcess } from "../processes/server-process.ts";
import { localKey } from "../processes/local-key.ts";
import { type Bench, measure, type Measure, type Round } from "./bench.ts";
import { startServerOverEngine } from "./server-over-engine.ts";

const POINTS = 1_000_000;
const BUCKETS = 2_000;
const ROUNDS = 30;
const PACED_POINTS_PER_SECOND = 100_000;
const PACED_SECONDS = 15;
/** What connects and compiles first is no part of it. */
const WARM_UP_MS = 3_000;

const execute = promisify(execFile);

const rawScan = defineQuery({
  name: "raw-scan",
  sql: `SELECT min(value) AS low, max(value) AS high, avg(value) AS mean, count() AS points FROM scalars
    WHERE run = {run:UInt64} AND metric = {metric:UInt64}`,
  parameters: z.object({ run: UInt64, metric: UInt64 }),
  row: z.object({ low: z.number(), high: z.number(), mean: z.number(), points: z.coerce.number() }),
});

export const seriesBench: Bench = {
  name: "series",
  about: "a chart of a million points, idle and under load, and the age of what it shows",
  async run(progress) {
    const spool = mkdtempSync(join(tmpdir(), "gradwatch-bench-"));
    const { server, store, dispose } = await startServerOverEngine();
    try {
      const log = async (script: string, ...given: string[]): Promise<{ seconds: number }> => {
        const file = fileURLToPath(new URL(script, import.meta.url));
        const environment = { ...process.env, GRADWATCH_CAPTURE: "off", GRADWATCH_SPOOL: spool };
        const { stdout } = await execute(process.execPath, ["--conditions=source", file, server.grpc(), ...given], { env: environment });
        return JSON.parse(stdout) as { seconds: number };
      };
      progress("writing a million points");
      await log("./log-load.ts", "chart", String(POINTS), "1");
      const chart = (): Promise<number> => timed(async () => void (await readSeries(server, "chart", "metric_0", BUCKETS)));
      const keys = { run: runKey("bench", "chart"), metric: metricKey("metric_0") };
      const raw = (): Promise<number> =>
        timed(async () => {
          const [row] = await store.read(rawScan, keys);
          if (row?.points !== POINTS) throw new Error(`${row?.points} points were scanned where ${POINTS} were written`);
        });
      progress("idle");
      const idle: Round[] = [];
      for (let i = 0; i <= ROUNDS; i++) idle.push({ value: await chart(), baseline: await raw() });
      idle.shift();
      const measures: Measure[] = [measure(`${POINTS} points as ${BUCKETS} buckets through HTTP / raw scan`, "ms", idle, "≤ 4")];
      const idleP95 = quantile(
        idle.map(({ value }) => value),
        0.95,
      );

      progress("while two processes log as fast as they can");
      const full = await whileRunning(Promise.all(["a", "b"].map((id) => log("./log-load.ts", `full-${id}`, "400000", "10"))), chart);
      measures.push(measure("p95 at full ingest / idle", "ms", [{ value: quantile(full, 0.95), baseline: idleP95 }], "≤ 5"));

      progress(`while ${PACED_POINTS_PER_SECOND} points a second are logged`);
      const pacing = log("./log-paced.ts", "paced", String(PACED_POINTS_PER_SECOND), String(PACED_SECONDS));
      await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
      const ages: Round[] = [];
      await whileRunning(pacing, async () => {
        const begun = performance.now();
        const newest = await readSeries(server, "paced", "at", 10);
        // The process ends by waiting: what it logged last only grows older then.
        const age = Date.now() - newest;
        ages.push({ value: age, baseline: performance.now() - begun });
        return age;
      });
      const worst = quantile(
        ages.map(({ value }) => value),
        0.99,
      );
      measures.push(
        measure("age of the newest point that a read shows, median / the read's own time", "ms", ages, "≤ 500 ms"),
        measure(
          "the same, p99",
          "ms",
          [
            {
              value: worst,
              baseline: quantile(
                ages.map(({ baseline }) => baseline),
                0.99,
              ),
            },
          ],
          "≤ 1000 ms",
        ),
      );
      return measures;
    } finally {
      await dispose();
      rmSync(spool, { recursive: true, force: true });
    }
  },
};

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** What `look` gave again and again until `work` was done. */
async function whileRunning(work: Promise<unknown>, look: () => Promise<number>): Promise<number[]> {
  let isRunning = true;
  const ending = work.finally(() => (isRunning = false));
  const seen: number[] = [];
  while (isRunning) {
    const value = await look();
    if (isRunning) seen.push(value);
  }
  await ending;
  return seen;
}

/** The last value of the last bucket. */
async function readSeries(server: ServerProcess, run: string, metric: string, maxBuckets: number): Promise<number> {
  const response = await fetch(`${server.http()}/api/v1/series`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${localKey(new URL(server.http()).host)}` },
    body: JSON.stringify({ runs: [{ project: "bench", run }], metrics: [metric], maxBuckets }),
  });
  if (!response.ok) throw new Error(`series: ${response.status} ${await response.text()}`);
  const { series } = (await response.json()) as SeriesResponse;
  return Number(series[0]?.buckets.last.at(-1));
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] as number;
