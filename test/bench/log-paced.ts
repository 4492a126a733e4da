// A process that logs POINTS points a second for SECONDS: records of 100 metrics, the first of them the time of the call. Never more than it can.
// Usage: log-paced.ts ADDRESS RUN POINTS SECONDS

import { setTimeout as delay } from "node:timers/promises";
import { init } from "@gradwatch/sdk";

const METRICS = 100;
const TICK_MS = 5;

const [url = "", id = "", pointsText = "0", secondsText = "0"] = process.argv.slice(2);
const recordsPerMs = Number(pointsText) / METRICS / 1_000;
const run = init({ project: "bench", id, url, verbose: false });
const names = Array.from({ length: METRICS - 1 }, (_none, i) => `metric_${i}`);
const start = performance.now();
let step = 0;
for (let elapsed = 0; elapsed < Number(secondsText) * 1_000; elapsed = performance.now() - start) {
  for (; step < elapsed * recordsPerMs; step++) {
    const record: Record<string, number> = { at: Date.now() };
    for (const name of names) record[name] = Math.fround(Math.sin(step));
    run.log(record, { step });
  }
  await delay(TICK_MS);
}
const report = await run.finish(0, { timeoutMs: 120_000 });
process.stdout.write(`${JSON.stringify({ report, seconds: (performance.now() - start) / 1_000 })}\n`);
