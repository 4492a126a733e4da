// A training process for tests: logs a seeded stream of points through the SDK, like an irregular training loop would.
// Arguments: URL, run id, seed, steps, milliseconds between bursts.
// Prints "step N" as it goes and the finish report as the last line.

import { init } from "@gradwatch/sdk";
import { drawPoints } from "./draw-points.ts";

const [url = "", runId = "", seed = "1", steps = "100", pauseMs = "5", stepFrom = "0"] = process.argv.slice(2);

const run = init({ url, project: "e2e", id: runId, verbose: false });
for (let step = Number(stepFrom); step < Number(stepFrom) + Number(steps); step++) {
  const { scalars, tensor } = drawPoints(Number(seed), step);
  run.log(scalars, { step });
  if (tensor !== undefined) run.logTensor("dense/kernel", tensor, { step, kind: "weight" });
  if (step % 20 === 0) {
    process.stdout.write(`step ${step}\n`);
    await new Promise((resolve) => setTimeout(resolve, Number(pauseMs)));
  }
}
const report = await run.finish(0, { timeoutMs: 60_000 });
process.stdout.write(`${JSON.stringify(report)}\n`);
