// A training loop that times its own calls of log(). Prints one JSON object.
//   log-calls.ts calls ADDRESS literal|run-time CALLS    nanoseconds a call, and of a bare push into typed arrays
//   log-calls.ts turns ADDRESS STEPS                     of steps of 1 ms: log(), and all that the SDK does between two steps
//   log-calls.ts share ADDRESS PHASES                    of steps of 1 ms, CPU of the main thread with and without logging
//   log-calls.ts init ADDRESS                            milliseconds that init() blocks, and that a bare gRPC client takes

import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { credentials } from "@grpc/grpc-js";
import { IngestClient } from "@gradwatch/proto";
import { init, type Run } from "@gradwatch/sdk";

const [, , what = "", address = "", ...rest] = process.argv;
const METRICS = 5;
const NAMES = 50;
const WARM_STEPS = 500;
const shared = new Int32Array(new SharedArrayBuffer(4));
const sleep = (ms: number): void => void Atomics.wait(shared, 0, 0, ms);
const open = (): Run => init({ project: "bench", id: `${what}-${process.pid}`, url: address, verbose: false });

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
const quantiles = (times: Float64Array, clockNs: number): { p50: number; p99: number; p999: number } => {
  const sorted = times.toSorted();
  const of = (share: number): number => Math.max(0, quantile(sorted, share) - clockNs);
  return { p50: of(0.5), p99: of(0.99), p999: of(0.999) };
};

/** What two readings of the clock take, in nanoseconds. */
function clockCost(): number {
  const times = Float64Array.from({ length: 20_000 }, () => {
    const start = performance.now();
    return (performance.now() - start) * 1e6;
  });
  return quantile(times.toSorted(), 0.5);
}

async function calls(keys: string, count: number): Promise<unknown> {
  const run = open();
  const clockNs = clockCost();
  const logTimes = new Float64Array(count);
  const pushTimes = new Float64Array(count);
  const columns = new Float64Array(count * METRICS);
  let [logNs, pushNs] = [0, 0];
  for (let warm = 0; warm < 2; warm++) {
    [logNs, pushNs] = [0, 0];
    for (let i = 0; i < count; i++) {
      const record: Record<string, number> =
        keys === "literal"
          ? { loss: i, accuracy: i, rate: i, norm: i, time: i }
          : Object.fromEntries(Array.from({ length: METRICS }, (_none, m) => [`layer_${(i + m) % NAMES}/norm`, i]));
      let start = performance.now();
      run.log(record, { step: i });
      logTimes[i] = (performance.now() - start) * 1e6;
      start = performance.now();
      for (let m = 0; m < METRICS; m++) columns[m * count + i] = i;
      pushTimes[i] = (performance.now() - start) * 1e6;
      if (i % 1_000 === 999) await setImmediate();
    }
    logNs = quantile(logTimes.toSorted(), 0.5) - clockNs;
    pushNs = quantile(pushTimes.toSorted(), 0.5) - clockNs;
  }
  const result = { log: quantiles(logTimes, clockNs), push: quantiles(pushTimes, clockNs), logNs, pushNs };
  await run.finish(0, { timeoutMs: 5_000 });
  return result;
}

const tenScalars = (step: number): Record<string, number> => ({
  a: step,
  b: step,
  c: step,
  d: step,
  e: step,
  f: step,
  g: step,
  h: step,
  i: step,
  j: step,
});

async function turns(steps: number): Promise<unknown> {
  const run = open();
  const logTimes = new Float64Array(steps);
  const turnTimes = new Float64Array(steps);
  // The first calls compile; a thousandth of four thousand would be made of them.
  for (let step = -WARM_STEPS; step < steps; step++) {
    sleep(1);
    const start = performance.now();
    run.log(tenScalars(step), { step: step + WARM_STEPS });
    const logged = performance.now();
    await setImmediate();
    if (step < 0) continue;
    logTimes[step] = (logged - start) * 1e6;
    turnTimes[step] = (performance.now() - start) * 1e6;
  }
  const report = await run.finish(0, { timeoutMs: 3_000 });
  return { log: quantiles(logTimes, 0), turn: quantiles(turnTimes, 0), report };
}

/** Nanoseconds that the main thread has run: /proc/PID/task/TID/schedstat (Linux). */
const mainThreadNs = (): number => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]);
const PHASE_MS = 1_000;
/** What one phase leaves to do is done in the next. */
const SETTLE_MS = 300;

async function share(phases: number): Promise<unknown> {
  const run = open();
  const pairs: { on: number; off: number }[] = [];
  let step = 0;
  const phase = async (logs: boolean): Promise<number> => {
    const begin = performance.now();
    let [cpu, from] = [0, 0];
    while (performance.now() - begin < PHASE_MS) {
      if (from === 0 && performance.now() - begin >= SETTLE_MS) [cpu, from] = [mainThreadNs(), performance.now()];
      sleep(1);
      const record = tenScalars(step++);
      if (logs) run.log(record, { step });
      await setImmediate();
    }
    return (mainThreadNs() - cpu) / 1e4 / (performance.now() - from);
  };
  await phase(true);
  for (let i = 0; i < phases; i++) {
    // Alternating which comes first.
    const first = await phase(i % 2 === 0);
    const second = await phase(i % 2 !== 0);
    pairs.push(i % 2 === 0 ? { on: first, off: second } : { on: second, off: first });
  }
  await run.finish();
  return pairs;
}

async function starting(): Promise<unknown> {
  let start = performance.now();
  const client = new IngestClient(address, credentials.createInsecure());
  const bareMs = performance.now() - start;
  client.close();
  start = performance.now();
  const run = open();
  const initMs = performance.now() - start;
  await run.finish();
  return { initMs, bareMs };
}

const result = await (what === "calls"
  ? calls(rest[0] ?? "literal", Number(rest[1]))
  : what === "turns"
    ? turns(Number(rest[0]))
    : what === "share"
      ? share(Number(rest[0]))
      : starting());
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
