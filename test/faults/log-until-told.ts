// A training process for the fault tests: several runs at once, each a seeded stream of points in bursts, until a line arrives on
// stdin. Then it finishes them and prints what became of each as one line of JSON.
//   node log-until-told.ts GRPC_ADDRESS RUN_PREFIX SEED RUNS PAUSE_MS

import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { init } from "@gradwatch/sdk";
import { drawPoints } from "../e2e/draw-points.ts";

const [url = "", prefix = "", seed = "1", runs = "1", pauseMs = "20"] = process.argv.slice(2);
/** Steps between two turns of the event loop. */
const BURST_STEPS = 10;
/** Longer than any back-off of the SDK and the server together. */
const FINISH_TIMEOUT_MS = 75_000;

let told = false;
void once(process.stdin, "data").then(() => (told = true));

async function train(id: string, drawn: number): Promise<object> {
  const run = init({ url, project: "faults", id, verbose: false });
  let step = 0;
  while (!told) {
    for (const end = step + BURST_STEPS; step < end; step++) {
      const { scalars, tensor } = drawPoints(drawn, step);
      run.log(scalars, { step });
      if (tensor !== undefined) run.logTensor("dense/kernel", tensor, { step, kind: "weight" });
    }
    await delay(Number(pauseMs));
  }
  const report = await run.finish(0, { timeoutMs: FINISH_TIMEOUT_MS });
  return { id, seed: drawn, steps: step, report };
}

process.stdout.write("logging\n");
const ends = await Promise.all(Array.from({ length: Number(runs) }, (_none, i) => train(`${prefix}-${i}`, Number(seed) * 100 + i)));
process.stdout.write(`${JSON.stringify(ends)}\n`);
// stdin is still open.
process.exit(0);
