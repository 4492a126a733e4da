// What log() costs the training thread, against writing the same numbers into a typed array. Batches are encoded and
// sealed in between, as in real use; the server is there and acknowledges.

import { setImmediate } from "node:timers/promises";
import { init } from "@gradwatch/sdk";
import { startServer } from "../processes/server-process.ts";
import { type Bench, measure, type Round } from "./bench.ts";

const ROUNDS = 7;
const CALLS = 100_000;
const METRICS = 5;

export const sdkBench: Bench = {
  name: "sdk",
  about: "cost of a log() call of 5 scalars on the training thread",
  async run(progress) {
    const server = await startServer();
    const rounds: Round[] = [];
    try {
      for (let round = 0; round < ROUNDS + 1; round++) {
        progress(`round ${round} of ${ROUNDS}`);
        const value = await logging(server.grpc(), `round-${round}`);
        const baseline = pushing();
        // The first one warms up.
        if (round > 0) rounds.push({ value, baseline });
      }
    } finally {
      await server.dispose();
    }
    return [measure("log() of 5 scalars / typed-array push", "ns a call", rounds, null)];
  },
};

async function logging(url: string, id: string): Promise<number> {
  const run = init({ project: "bench", id, url, verbose: false });
  let spent = 0;
  for (let call = 0; call < CALLS;) {
    const start = performance.now();
    for (let i = 0; i < 1_000; i++, call++) run.log({ loss: call, acc: call, lr: call, norm: call, time: call }, { step: call });
    spent += performance.now() - start;
    await setImmediate();
  }
  await run.finish();
  return (spent / CALLS) * 1e6;
}

/** A push takes a few nanoseconds: repeated, so that the clock can tell. */
const REPEATS = 50;

function pushing(): number {
  const columns = new Float64Array(CALLS * METRICS);
  const start = performance.now();
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (let call = 0; call < CALLS; call++) for (let m = 0; m < METRICS; m++) columns[m * CALLS + call] = call + repeat;
  }
  return ((performance.now() - start) / CALLS / REPEATS) * 1e6;
}
