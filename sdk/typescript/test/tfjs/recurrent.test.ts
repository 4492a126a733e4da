// Recurrent layers: the gradient at every time step against one computed by hand, and the functions inside of cells.

import * as tf from "@tensorflow/tfjs";
import { TensorKind } from "@gradwatch/proto";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { gradwatchCallback } from "../../src/tfjs/index.ts";
import type { Peer } from "../scripted-peer.ts";
import { useBackend } from "./backend.ts";
import { type Logged, loggedBy, ofKind, peerAndRun, unitValues } from "./logged.ts";

const peers: Peer[] = [];
afterEach(() => peers.splice(0).forEach((peer) => peer.stop()));
beforeAll(useBackend);

const SAMPLES = 4;
const seeded = (seed: number) => tf.initializers.glorotNormal({ seed });
const noise = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, "float32", seed);

async function trainOnce(layers: tf.layers.Layer[], steps: number): Promise<Logged> {
  const { peer, run } = await peerAndRun(peers);
  const model = tf.sequential({ layers: [...layers, tf.layers.dense({ name: "out", units: 1, kernelInitializer: seeded(9) })] });
  model.compile({ optimizer: tf.train.sgd(0.01), loss: "meanSquaredError" });
  const before = tf.memory().numTensors;
  await model.fit(noise([SAMPLES, steps, 2], 1), noise([SAMPLES, 1], 2), {
    epochs: 1,
    batchSize: SAMPLES,
    verbose: 0,
    callbacks: [gradwatchCallback(run, { budget: Infinity })],
  });
  // Two noise tensors.
  expect(tf.memory().numTensors - before).toBe(2);
  await run.finish();
  return loggedBy(peer);
}

/** Root mean square of the gradient by time step. */
function rmsByTime(logged: Logged, name: string): number[] {
  const found = ofKind(logged, TensorKind.STATE_GRADIENT).find((tensor) => tensor.name === name);
  if (found === undefined) throw new Error(`no gradient of ${name}`);
  const [means, stds] = [unitValues(found.summary.unitMeans as never), unitValues(found.summary.unitStds as never)];
  expect(Number(found.summary.units)).toBe(means.length);
  return means.map((mean, time) => Math.hypot(mean, stds[time] as number));
}

describe("the gradient of the state by time step", () => {
  test("is that of a recomputation step by step", async () => {
    const steps = 6;
    const layer = tf.layers.simpleRNN({
      name: "rnn",
      units: 3,
      activation: "tanh",
      inputShape: [steps, 2],
      kernelInitializer: seeded(3),
      recurrentInitializer: seeded(4),
    });
    const logged = await trainOnce([layer], steps);
    // The same net by hand, with a variable added to every state: the gradient of the state is the variable's.
    const weights = (name: string): tf.Tensor => {
      const [kernel, recurrent] = [
        tf.layers.simpleRNN({ units: 3, inputShape: [steps, 2], kernelInitializer: seeded(3), recurrentInitializer: seeded(4) }),
      ].flatMap((one) => {
        one.build([null, steps, 2]);
        return one.getWeights();
      });
      return (name === "kernel" ? kernel : recurrent) as tf.Tensor;
    };
    const [kernel, recurrent] = [weights("kernel"), weights("recurrent")] as [tf.Tensor2D, tf.Tensor2D];
    const head = tf.layers.dense({ units: 1, kernelInitializer: seeded(9) });
    head.build([null, 3]);
    const [out] = head.getWeights() as [tf.Tensor2D];
    const [x, y] = [noise([SAMPLES, steps, 2], 1), noise([SAMPLES, 1], 2)];
    const shifts = Array.from({ length: steps }, () => tf.zeros([SAMPLES, 3]));
    const loss = (...added: tf.Tensor[]): tf.Scalar => {
      let state = tf.zeros<tf.Rank.R2>([SAMPLES, 3]);
      tf.unstack(x, 1).forEach((input, time) => {
        state = (input as tf.Tensor2D)
          .matMul(kernel)
          .add(state.matMul(recurrent))
          .tanh()
          .add(added[time] as tf.Tensor);
      });
      return tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, state.matMul(out));
    };
    const expected = tf
      .grads(loss)(shifts)
      .map((gradient) => Math.sqrt(gradient.square().mean().dataSync()[0] as number));
    const seen = rmsByTime(logged, "rnn");
    expect(seen).toHaveLength(steps);
    seen.forEach((rms, time) => expect(rms / (expected[time] as number)).toBeCloseTo(1, 4));
  });

  test("shows what vanishes through time where the kernel's gradient looks fine", async () => {
    const steps = 60;
    const cell = { units: 4, activation: "sigmoid" as const, kernelInitializer: seeded(3), recurrentInitializer: seeded(4) };
    const logged = await trainOnce([tf.layers.simpleRNN({ name: "rnn", inputShape: [steps, 2], ...cell })], steps);
    const seen = rmsByTime(logged, "rnn");
    expect(seen).toHaveLength(steps);
    expect(seen[0]! / seen.at(-1)!).toBeLessThan(1e-12);
    const recurrent = ofKind(logged, TensorKind.GRADIENT).find(({ name }) => name === "rnn/recurrent_kernel");
    expect(Math.sqrt(recurrent?.summary.sumSquares ?? 0)).toBeGreaterThan(1e-4);
  });

  test("of long sequences is pooled into 256 rows", async () => {
    const logged = await trainOnce([tf.layers.simpleRNN({ name: "rnn", units: 2, inputShape: [300, 2] })], 300);
    expect(rmsByTime(logged, "rnn")).toHaveLength(150);
  });

  test.each([
    ["LSTM", () => tf.layers.lstm({ name: "layer", units: 3, inputShape: [5, 2] }), ["layer"]],
    ["GRU", () => tf.layers.gru({ name: "layer", units: 3, inputShape: [5, 2] }), ["layer"]],
    [
      "both directions",
      () => tf.layers.bidirectional({ name: "layer", layer: tf.layers.gru({ units: 3 }), inputShape: [5, 2], mergeMode: "concat" }),
      ["layer/forward", "layer/backward"],
    ],
    [
      "stacked cells",
      () => tf.layers.rnn({ name: "layer", cell: [tf.layers.lstmCell({ units: 3 }), tf.layers.gruCell({ units: 2 })], inputShape: [5, 2] }),
      ["layer/cell_0", "layer/cell_1"],
    ],
  ] as const)("is seen in %s", async (_name, make, names) => {
    const logged = await trainOnce([make()], 5);
    for (const name of names) {
      const seen = rmsByTime(logged, name);
      expect(seen).toHaveLength(5);
      expect(seen.every((rms) => rms > 0)).toBe(true);
    }
    expect(ofKind(logged, TensorKind.ACTIVATION).map(({ name }) => name)).toEqual(["layer"]);
    // The functions inside: the state's and the gates'.
    const inside = ofKind(logged, TensorKind.PRE_ACTIVATION).map(({ name, activation }) => [name, activation]);
    expect(inside).toEqual(names.flatMap((name) => [[name, "tanh"], [`${name}/gates`, "hardSigmoid"]])); // prettier-ignore
    for (const { summary } of ofKind(logged, TensorKind.PRE_ACTIVATION)) expect(summary.derivativeBelow5Percent).toBeGreaterThanOrEqual(0);
  });
});

test("training with recurrent layers is the same, bit for bit, with and without the callback", async () => {
  const make = (): tf.Sequential => {
    const model = tf.sequential({
      layers: [
        tf.layers.lstm({
          units: 3,
          inputShape: [4, 2],
          returnSequences: true,
          kernelInitializer: seeded(1),
          recurrentInitializer: seeded(2),
        }),
        tf.layers.bidirectional({
          layer: tf.layers.gru({ units: 2, kernelInitializer: seeded(3), recurrentInitializer: seeded(4) }),
          mergeMode: "concat",
        }),
        tf.layers.dense({ units: 1, kernelInitializer: seeded(5) }),
      ],
    });
    model.compile({ optimizer: tf.train.adam(0.01), loss: "meanSquaredError" });
    return model;
  };
  const fit = async (model: tf.Sequential, callbacks: tf.CustomCallback[]): Promise<number[]> => {
    // A wrapper's inner layers draw their own seeds: start from the same weights.
    model.setWeights(model.getWeights().map((weight, i) => noise(weight.shape, 100 + i).mul(0.3)));
    await model.fit(noise([8, 4, 2], 1), noise([8, 1], 2), { epochs: 3, batchSize: 4, shuffle: false, verbose: 0, callbacks });
    return model.getWeights().flatMap((weight) => [...weight.dataSync()]);
  };
  const { run } = await peerAndRun(peers);
  expect(await fit(make(), [gradwatchCallback(run, { every: 1, budget: Infinity })])).toEqual(await fit(make(), []));
  await run.finish();
});
