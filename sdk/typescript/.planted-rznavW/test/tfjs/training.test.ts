// The tfjs callback on networks that really train: what it logs is what a recomputation gives, and training does not
// notice it.

import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { fromBinary } from "@bufbuild/protobuf";
import { BatchBodySchema, type StepRecord, type TensorSummary } from "@gradwatch/proto";
import { init, type Run } from "../../src/index.ts";
import { gradwatchCallback } from "../../src/tfjs/index.ts";
import { type Peer, startPeer } from "../scripted-peer.ts";

const peers: Peer[] = [];
afterEach(() => peers.splice(0).forEach((peer) => peer.stop()));
beforeAll(async () => {
  await tf.setBackend("cpu");
});

const BATCH = 8;
const SAMPLES = 32;

interface Task {
  readonly model: tf.Sequential;
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor2D;
}

function makeTask(learningRate = 0.1, optimizer: tf.Optimizer = tf.train.sgd(learningRate)): Task {
  const initializer = (seed: number) => tf.initializers.glorotNormal({ seed });
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: "hidden", units: 5, activation: "tanh", inputShape: [3], kernelInitializer: initializer(1) }),
      tf.layers.dense({ name: "out", units: 2, kernelInitializer: initializer(2) }),
    ],
  });
  model.compile({ optimizer, loss: "meanSquaredError", metrics: ["mae"] });
  return {
    model,
    x: tf.randomNormal<tf.Rank.R2>([SAMPLES, 3], 0, 1, "float32", 3),
    y: tf.randomNormal<tf.Rank.R2>([SAMPLES, 2], 0, 1, "float32", 4),
  };
}

const fit = (task: Task, callbacks: tf.CustomCallback[], epochs = 2): Promise<tf.History> =>
  task.model.fit(task.x, task.y, { epochs, batchSize: BATCH, shuffle: false, verbose: 0, callbacks });

async function peerAndRun(): Promise<{ peer: Peer; run: Run }> {
  const peer = await startPeer();
  peers.push(peer);
  return { peer, run: init({ project: "p", id: "r", url: peer.address, verbose: false }) };
}

interface Received {
  readonly steps: readonly StepRecord[];
  readonly summaries: readonly { readonly step: number; readonly name: string; readonly kind: number; readonly summary: TensorSummary }[];
}

function received(peer: Peer): Received {
  const bodies = peer.batches.map(({ body }) => fromBinary(BatchBodySchema, body));
  return {
    steps: bodies.flatMap(({ steps }) => steps),
    summaries: bodies.flatMap(({ tensors, tensorRecords }) =>
      tensorRecords.flatMap(({ step, summaries }) =>
        summaries.map((summary) => ({
          step: Number(step),
          name: tensors[summary.tensor]?.name ?? "",
          kind: tensors[summary.tensor]?.kind ?? 0,
          summary,
        })),
      ),
    ),
  };
}

/** Norm of all gradients of the first batch, computed apart. */
async function firstGradientNorm({ model, x, y }: Task): Promise<number> {
  const { grads } = tf.variableGrads(() => {
    const predicted = model.predict(x.slice(0, BATCH)) as tf.Tensor;
    return tf.losses.meanSquaredError(y.slice(0, BATCH), predicted);
  });
  const squares = await Promise.all(Object.values(grads).map((gradient) => gradient.square().sum().data()));
  return Math.sqrt(squares.reduce((sum, [square]) => sum + (square as number), 0));
}

const weightsOf = ({ model }: Task): number[] => model.getWeights().flatMap((weight) => [...weight.dataSync()]);

describe("the callback", () => {
  test("logs loss, learning rate and gradient norm of every step, and every weight's and gradient's summary", async () => {
    const { peer, run } = await peerAndRun();
    const task = makeTask();
    const norm = await firstGradientNorm(task);
    await fit(task, [gradwatchCallback(run, { every: 3 })]);
    expect(await run.finish()).toMatchObject({ rejected: 0, dropped: {}, pending: 0 });
    const { steps, summaries } = received(peer);
    expect(steps.map(({ step }) => Number(step))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(steps[0]?.gradientNorm).toBeCloseTo(norm, 5);
    for (const { loss, learningRate, batchSize } of steps) {
      expect(loss).toBeGreaterThan(0);
      expect(learningRate[0]).toBeCloseTo(0.1, 12);
      expect(batchSize).toBe(BigInt(BATCH));
    }
    expect([...new Set(summaries.map(({ step }) => step))]).toEqual([0, 3, 6]);
    const atStart = summaries.filter(({ step }) => step === 0);
    expect(new Set(atStart.map(({ name }) => name))).toEqual(new Set(["hidden/kernel", "hidden/bias", "out/kernel", "out/bias"]));
    // Gradients, weights and updates.
    expect(atStart).toHaveLength(12);
    for (const { summary } of atStart) {
      const { positive, negative, zeroCount } = summary.histogram ?? {};
      expect(Number(summary.count)).toBe(Number(summary.positive) + Number(summary.negative) + Number(summary.zero));
      expect((positive?.counts.length ?? 0) + (negative?.counts.length ?? 0) + Number(zeroCount ?? 0)).toBeGreaterThan(0);
    }
  });

  test("changes nothing of training: the same weights, bit for bit, with and without it", async () => {
    for (const optimizer of [() => tf.train.sgd(0.1), () => tf.train.adam(0.01), () => tf.train.momentum(0.1, 0.9)]) {
      const { run } = await peerAndRun();
      const watched = makeTask(0.1, optimizer());
      const alone = makeTask(0.1, optimizer());
      await fit(watched, [gradwatchCallback(run, { every: 2 })]);
      await fit(alone, []);
      expect(weightsOf(watched)).toEqual(weightsOf(alone));
      await run.finish();
    }
  });

  test("leaves no tensor behind", async () => {
    const { run } = await peerAndRun();
    const task = makeTask();
    await fit(task, [gradwatchCallback(run, { every: 1 })], 1);
    const before = tf.memory().numTensors;
    await fit(task, [gradwatchCallback(run, { every: 1 })], 5);
    expect(tf.memory().numTensors).toBe(before);
    await run.finish();
  });

  test("takes its hook off again: the optimiser is as it was", async () => {
    const { run } = await peerAndRun();
    const task = makeTask();
    const { applyGradients } = task.model.optimizer;
    await fit(task, [gradwatchCallback(run)]);
    expect(task.model.optimizer.applyGradients).toBe(applyGradients);
    await run.finish();
  });

  test("when the loss is NaN, logs it and the tensors of that very step", async () => {
    const { peer, run } = await peerAndRun();
    await fit(makeTask(1e30), [gradwatchCallback(run, { every: 1_000 })]);
    await run.finish();
    const { steps, summaries } = received(peer);
    const broken = steps.find(({ loss }) => !Number.isFinite(loss ?? 0));
    expect(broken).toBeDefined();
    const there = summaries.filter(({ step }) => step === Number(broken?.step));
    expect(there).toHaveLength(12);
    expect(there.some(({ summary }) => summary.nan + summary.positiveInfinity + summary.negativeInfinity > 0n)).toBe(true);
  });

  test("stops a training that was asked to stop", async () => {
    const { peer, run } = await peerAndRun();
    await expect.poll(() => peer.streams().length).toBe(1);
    peer.streams()[0]?.send({ case: "stop", value: { requestId: "s", reason: "enough" } });
    await expect.poll(() => run.shouldStop()).toBe(true);
    const { epoch } = await fit(makeTask(), [gradwatchCallback(run)], 50);
    expect(epoch.length).toBeLessThan(3);
    await run.finish();
  });

  test("a run that throws costs a warning and nothing else", async () => {
    const warned: string[] = [];
    const listen = (warning: Error): void => void warned.push(warning.message);
    process.on("warning", listen);
    const broken = new Proxy({} as Run, {
      get() {
        throw new Error("the logger's own trouble");
      },
    });
    const task = makeTask();
    const { epoch } = await fit(task, [gradwatchCallback(broken)]);
    expect(epoch).toHaveLength(2);
    await expect.poll(() => warned.some((message) => message.includes("training goes on"))).toBe(true);
    process.off("warning", listen);
  });
});
