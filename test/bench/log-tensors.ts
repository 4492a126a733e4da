// A process that logs SUMMARIES tensor summaries as fast as it can, 50 a step, each with a histogram of 160 buckets. The same 50 again and again:
// what computing them costs is training's.
// Usage: log-tensors.ts ADDRESS RUN SUMMARIES

import { setImmediate } from "node:timers/promises";
import { init, type SummarizedTensor } from "@gradwatch/sdk";
import { BUCKETS, TENSORS } from "./tensor-shape.ts";

const [url = "", id = "", summaries = "0"] = process.argv.slice(2);
const run = init({ project: "bench", id, url, verbose: false });
const counts = (seed: number): number[] => Array.from({ length: BUCKETS / 2 }, (_none, i) => 1 + ((seed * 31 + i * 17) % 400));
const logged = Array.from({ length: TENSORS }, (_none, tensor): SummarizedTensor => {
  const [positive, negative] = [counts(tensor), counts(tensor + TENSORS)];
  const sum = (values: readonly number[]): number => values.reduce((total, count) => total + count, 0);
  return {
    name: `layer_${tensor}/kernel`,
    kind: "weight",
    layer: `layer_${tensor}`,
    summary: {
      count: sum(positive) + sum(negative),
      nan: 0,
      positiveInfinity: 0,
      negativeInfinity: 0,
      zero: 0,
      negative: sum(negative),
      positive: sum(positive),
      min: -3 - tensor,
      max: 3 + tensor,
      sum: 1.5,
      sumSquares: 1e4,
      sumAbsolute: 1e3,
      histogram: {
        scale: 3,
        zeroThreshold: 0,
        zeroCount: 0,
        positive: { offset: -60, counts: positive },
        negative: { offset: -60, counts: negative },
      },
    },
  };
});

run.log({ warm: 1 }, { step: 0 });
const start = performance.now();
for (let step = 0; step * TENSORS < Number(summaries); step++) {
  run.logSummaries(logged, { step });
  if (step % 20 === 0) await setImmediate();
}
const report = await run.finish(0, { timeoutMs: 120_000 });
process.stdout.write(`${JSON.stringify({ report, seconds: (performance.now() - start) / 1_000 })}\n`);
