// A process that logs as fast as it can: real log() calls of METRICS scalars, over gRPC to the server at ADDRESS. Prints its
// finish report and the seconds from the first call to the last acknowledgement.
// Usage: log-load.ts ADDRESS RUN RECORDS METRICS

import { setImmediate } from "node:timers/promises";
import { init } from "@gradwatch/sdk";

const [url = "", id = "", recordsText = "0", metricsText = "0"] = process.argv.slice(2);
const [records, metrics] = [Number(recordsText), Number(metricsText)];
const run = init({ project: "bench", id, url, verbose: false });
const names = Array.from({ length: metrics }, (_none, i) => `metric_${i}`);

// Connected before the clock starts: opening a run is not what is measured.
run.log({ warm: 1 }, { step: 0 });
const start = performance.now();
for (let step = 0; step < records; step++) {
  const record: Record<string, number> = {};
  for (let m = 0; m < metrics; m++) record[names[m] as string] = Math.fround(Math.sin(step * (m + 1)));
  run.log(record, { step });
  if (step % 1_000 === 0) await setImmediate();
}
const report = await run.finish(0, { timeoutMs: 120_000 });
process.stdout.write(`${JSON.stringify({ report, seconds: (performance.now() - start) / 1000 })}\n`);
