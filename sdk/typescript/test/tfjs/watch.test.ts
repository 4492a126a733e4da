// Training loops written by hand: every way to make an optimiser step is seen by itself, gradients before they are clipped, two models in one run.

import * as tf from "@tensorflow/tfjs";
import { LossKind, TensorKind } from "@gradwatch/proto";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { watch } from "../../src/tfjs/index.ts";
import { type Peer, scalarsOf } from "../scripted-peer.ts";
import { useBackend } from "./backend.ts";
import { loggedBy, ofKind, peerAndRun } from "./logged.ts";

const peers: Peer[] = [];
afterEach(() => peers.splice(0).forEach((peer) => peer.stop()));
beforeAll(useBackend);

const noise = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, "float32", seed);
const makeModel = (name = "net"): tf.Sequential =>
  tf.sequential({
    layers: [
      tf.layers.dense({
        name: `${name}_hidden`,
        units: 4,
        activation: "relu",
        inputShape: [3],
        kernelInitializer: tf.initializers.glorotNormal({ seed: 1 }),
      }),
      tf.layers.dense({ name: `${name}_out`, units: 1, kernelInitializer: tf.initializers.glorotNormal({ seed: 2 }) }),
    ],
  });
const [x, y] = [noise([40, 3], 3), noise([40, 1], 4)];
const lossOf = (model: tf.LayersModel) => (): tf.Scalar =>
  tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, model.apply(x, { training: true }) as tf.Tensor);
const norm = (gradients: Readonly<Record<string, tf.Tensor | null>>): number =>
  Math.sqrt(Object.values(gradients).reduce((sum, gradient) => sum + (gradient?.square().sum().dataSync()[0] ?? 0), 0));

const all = { every: 1, budget: Infinity } as const;

describe("a step is seen, with its loss and everything else,", () => {
  test.each([
    ["of optimizer.minimize", (optimizer: tf.Optimizer, model: tf.Sequential) => optimizer.minimize(lossOf(model))],
    [
      "of variableGrads and applyGradients",
      (optimizer: tf.Optimizer, model: tf.Sequential) =>
        tf.tidy(() => {
          const { grads } = tf.variableGrads(lossOf(model));
          optimizer.applyGradients(grads);
        }),
    ],
    [
      "of a forward run by predict, which comes in pieces",
      (optimizer: tf.Optimizer, model: tf.Sequential) =>
        optimizer.minimize(() => tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, model.predict(x) as tf.Tensor)),
    ],
  ] as const)("%s", async (_way, makeStep) => {
    const { peer, run } = await peerAndRun(peers);
    const model = makeModel();
    const optimizer = tf.train.sgd(0.1);
    const expected = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(lossOf(model));
      return { loss: value.dataSync()[0] as number, norm: norm(grads) };
    });
    const before = tf.memory().numTensors;
    const watcher = watch(model, run, { optimizer, ...all });
    for (let step = 0; step < 3; step++) makeStep(optimizer, model);
    expect(watcher.step).toBe(2);
    watcher.stop();
    // The optimiser makes a scalar of its learning rate.
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(1);
    expect(Object.hasOwn(optimizer, "applyGradients")).toBe(false);
    expect(Object.hasOwn(tf.engine(), "gradients")).toBe(false);
    makeStep(optimizer, model);
    await run.finish();
    const logged = loggedBy(peer);
    expect(logged.steps.map(({ step, batchSize }) => [Number(step), Number(batchSize)])).toEqual([[0, 40], [1, 40], [2, 40]]); // prettier-ignore
    expect(logged.steps[0]?.loss).toBeCloseTo(expected.loss, 5);
    expect(logged.steps[0]?.gradientNorm).toBeCloseTo(expected.norm, 5);
    expect(logged.steps[0]?.clipThreshold).toBeUndefined();
    for (const kind of [TensorKind.ACTIVATION, TensorKind.OUTPUT, TensorKind.INPUT]) {
      const [tensor] = ofKind(logged, kind);
      expect([kind, Number(tensor?.summary.samples)]).toEqual([kind, 40]);
    }
  });
});

test("a compiled model's trainOnBatch needs no optimiser", async () => {
  const { peer, run } = await peerAndRun(peers);
  const model = makeModel();
  model.compile({ optimizer: "adam", loss: "meanSquaredError" });
  const watcher = watch(model, run, all);
  const losses = [await model.trainOnBatch(x, y), await model.trainOnBatch(x, y)] as number[];
  watcher.stop();
  await run.finish();
  const logged = loggedBy(peer);
  logged.steps.forEach(({ loss, updateSurpriseRms }, i) => {
    expect(loss).toBeCloseTo(losses[i] as number, 6);
    expect(updateSurpriseRms).toBeGreaterThan(0);
  });
  expect(logged.facts[0]).toMatchObject({ optimizer: "adam", lossKind: 3, depth: 2 });
});

test("what the user tells of the loss of a model that is not compiled is a fact", async () => {
  const { peer, run } = await peerAndRun(peers);
  const model = makeModel();
  watch(model, run, { optimizer: tf.train.sgd(0.1), lossKind: "mean-squared-error" }).stop();
  await run.finish();
  expect(loggedBy(peer).facts[0]).toMatchObject({ lossKind: LossKind.MEAN_SQUARED_ERROR, optimizer: "sgd" });
});

describe("clipped gradients", () => {
  /** Makes one step with gradients that `clip` has changed. */
  async function stepWith(clip: (gradients: Record<string, tf.Tensor>) => Record<string, tf.Tensor>) {
    const { peer, run } = await peerAndRun(peers);
    const model = makeModel();
    const optimizer = tf.train.sgd(0.1);
    const watcher = watch(model, run, { optimizer, ...all });
    const before = tf.tidy(() => {
      const { grads } = tf.variableGrads(lossOf(model));
      optimizer.applyGradients(clip(grads));
      return norm(grads);
    });
    watcher.stop();
    await run.finish();
    return { before, step: loggedBy(peer).steps[0], logged: loggedBy(peer) };
  }

  test("by global norm: the norm before, the threshold, and summaries before", async () => {
    const { before, step, logged } = await stepWith((grads) => {
      const factor = 0.25 / norm(grads);
      return Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [name, gradient.mul(factor)]));
    });
    expect(before).toBeGreaterThan(0.5);
    expect(step?.gradientNorm).toBeCloseTo(before, 5);
    expect(step?.clipThreshold).toBeCloseTo(0.25, 4);
    const squares = ofKind(logged, TensorKind.GRADIENT).reduce((sum, { summary }) => sum + summary.sumSquares, 0);
    expect(Math.sqrt(squares)).toBeCloseTo(before, 5);
  });

  test("value by value have no threshold, and the norm before", async () => {
    const { before, step } = await stepWith((grads) =>
      Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [name, gradient.clipByValue(-0.1, 0.1)])),
    );
    expect(step?.gradientNorm).toBeCloseTo(before, 5);
    expect(step?.clipThreshold).toBeUndefined();
  });
});

test("gradients accumulated over two runs are the step's, in its norm too", async () => {
  const { peer, run } = await peerAndRun(peers);
  const model = makeModel();
  const optimizer = tf.train.sgd(0.1);
  const watcher = watch(model, run, { optimizer, ...all });
  const accumulated = tf.tidy(() => {
    const [first, second] = [tf.variableGrads(lossOf(model)).grads, tf.variableGrads(lossOf(model)).grads];
    const sums = Object.fromEntries(Object.entries(first).map(([name, gradient]) => [name, gradient.add(second[name] as tf.Tensor)]));
    optimizer.applyGradients(sums);
    return norm(sums);
  });
  watcher.stop();
  await run.finish();
  const { steps } = loggedBy(peer);
  expect(steps).toHaveLength(1);
  expect(steps[0]?.gradientNorm).toBeCloseTo(accumulated, 5);
});

test("two models that train in turn, each with its own optimiser, are told apart", async () => {
  const { peer, run } = await peerAndRun(peers);
  const [generator, critic] = [makeModel("generator"), makeModel("critic")];
  const optimizers = [tf.train.sgd(0.1), tf.train.adam(0.01)] as const;
  const watchers = [
    watch(generator, run, { optimizer: optimizers[0], name: "generator", ...all }),
    watch(critic, run, { optimizer: optimizers[1], name: "critic", ...all }),
  ];
  // The critic looks at what the generator makes: its layers run, but its weights do not learn.
  const variables = (model: tf.LayersModel): tf.Variable[] => model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const through = (): tf.Scalar =>
    tf.tidy(() => (critic.apply((generator.apply(x) as tf.Tensor).tile([1, 3])) as tf.Tensor).mean<tf.Scalar>());
  for (let step = 0; step < 2; step++) {
    optimizers[0].minimize(through, false, variables(generator));
    optimizers[1].minimize(through, false, variables(critic));
  }
  watchers.forEach((watcher) => watcher.stop());
  await run.finish();
  const logged = loggedBy(peer);
  const activations = ofKind(logged, TensorKind.ACTIVATION).map(({ name }) => name);
  expect(activations).toEqual(["generator/generator_hidden", "critic/critic_hidden"]);
  expect(new Set(ofKind(logged, TensorKind.GRADIENT).map(({ name }) => name.split("/")[0]))).toEqual(new Set(["generator", "critic"]));
  expect(logged.steps.map(({ step }) => Number(step))).toEqual([0, 1]);
  expect(scalarsOf(peer.batches).filter(({ metric }) => metric === "critic/batch/loss")).toHaveLength(2);
});

test("when the loss becomes NaN, that step is logged in full, whatever the cadence", async () => {
  const { peer, run } = await peerAndRun(peers);
  const model = makeModel();
  const optimizer = tf.train.sgd(1e30);
  const watcher = watch(model, run, { optimizer, every: 1_000, budget: Infinity });
  for (let step = 0; step < 4; step++) optimizer.minimize(lossOf(model));
  watcher.stop();
  await run.finish();
  const logged = loggedBy(peer);
  const broken = Number(logged.steps.find(({ loss }) => !Number.isFinite(loss))?.step);
  expect(broken).toBeGreaterThan(0);
  expect(ofKind(logged, TensorKind.GRADIENT, broken)).toHaveLength(4);
  expect(ofKind(logged, TensorKind.INPUT, broken)).toHaveLength(1);
  expect(ofKind(logged, TensorKind.GRADIENT, broken + 1)).toHaveLength(0);
});

test("a model without an optimiser is told once, and training goes on", async () => {
  const { run } = await peerAndRun(peers);
  const warned: string[] = [];
  const listen = (warning: Error): void => void warned.push(warning.message);
  process.on("warning", listen);
  const watcher = watch(makeModel(), run);
  expect(watcher.step).toBe(-1);
  watcher.stop();
  await expect.poll(() => warned.some((message) => message.includes("pass it, watch(model, run, { optimizer })"))).toBe(true);
  process.off("warning", listen);
  await run.finish();
});
