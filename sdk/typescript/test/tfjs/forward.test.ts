// What the forward run says, against a recomputation from the raw tensors: activations and what went into them, dead units, flat
// functions, inputs by channel, labels and predictions.

import * as tf from "@tensorflow/tfjs";
import { TensorKind } from "@gradwatch/proto";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { gradwatchCallback } from "../../src/tfjs/index.ts";
import type { Peer } from "../scripted-peer.ts";
import { useBackend } from "./backend.ts";
import { type Logged, type LoggedTensor, loggedBy, ofKind, peerAndRun, unitValues } from "./logged.ts";

const peers: Peer[] = [];
afterEach(() => peers.splice(0).forEach((peer) => peer.stop()));
beforeAll(useBackend);

type Optimizer = tf.Optimizer;
interface Training {
  readonly model: tf.LayersModel;
  readonly x: tf.Tensor | tf.Tensor[];
  readonly y: tf.Tensor | tf.Tensor[];
  readonly loss: string | string[];
  readonly optimizer?: Optimizer;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly every?: number;
  readonly validation?: [tf.Tensor, tf.Tensor];
}

async function train({ model, x, y, loss, optimizer = tf.train.sgd(0.05), ...given }: Training): Promise<Logged> {
  const { peer, run } = await peerAndRun(peers);
  model.compile({ optimizer, loss });
  await model.fit(x, y, {
    epochs: given.epochs ?? 1,
    batchSize: given.batchSize ?? 8,
    shuffle: false,
    verbose: 0,
    ...(given.validation === undefined ? {} : { validationData: given.validation }),
    callbacks: [gradwatchCallback(run, { every: given.every ?? 1, budget: Infinity, inputSamples: 4 })],
  });
  expect(await run.finish()).toMatchObject({ rejected: 0, dropped: {}, pending: 0 });
  return loggedBy(peer);
}

const seeded = (seed: number) => tf.initializers.glorotNormal({ seed });
const noise = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, "float32", seed);
const named = (tensors: readonly LoggedTensor[], name: string): LoggedTensor => {
  const found = tensors.find((tensor) => tensor.name === name);
  if (found === undefined) throw new Error(`no ${name} among ${tensors.map((one) => one.name).join(", ")}`);
  return found;
};
/** Of the model as it is, on its first batch. */
function valuesAt(model: tf.LayersModel, layer: string, x: tf.Tensor): Float32Array {
  const inner = tf.model({ inputs: model.inputs, outputs: model.getLayer(layer).output });
  return (inner.predict(x, { batchSize: 1_000 }) as tf.Tensor).dataSync().slice() as Float32Array;
}

function expectMoments({ summary }: LoggedTensor, values: ArrayLike<number>): void {
  const list = Array.from(values);
  expect(Number(summary.count)).toBe(list.length);
  expect(summary.sum).toBeCloseTo(
    list.reduce((sum, value) => sum + value, 0),
    3,
  );
  expect(summary.sumSquares).toBeCloseTo(
    list.reduce((sum, value) => sum + value ** 2, 0),
    3,
  );
  expect(summary.min).toBeCloseTo(Math.min(...list), 5);
  expect(summary.max).toBeCloseTo(Math.max(...list), 5);
}

describe("activations of a dense net", () => {
  const net = (): tf.Sequential =>
    tf.sequential({
      layers: [
        tf.layers.dense({ name: "relu", units: 6, activation: "relu", inputShape: [5], kernelInitializer: seeded(1) }),
        tf.layers.dense({ name: "tanh", units: 4, activation: "tanh", kernelInitializer: seeded(2) }),
        tf.layers.dense({ name: "out", units: 3, activation: "softmax", kernelInitializer: seeded(3) }),
      ],
    });
  const [x, y] = [noise([16, 5], 4), tf.oneHot(tf.tensor1d([0, 1, 2, 1, 0, 2, 2, 1, 0, 1, 2, 1, 0, 2, 2, 1], "int32"), 3)];

  test("are those of a recomputation, with the function that made them and their place", async () => {
    const model = net();
    const first = x.slice(0, 8);
    const expected = new Map(["relu", "tanh", "out"].map((layer) => [layer, valuesAt(model, layer, first)]));
    const logged = await train({ model, x, y, loss: "categoricalCrossentropy" });
    const activations = ofKind(logged, TensorKind.ACTIVATION);
    expect(activations.map(({ name, activation, topologicalIndex }) => [name, activation, topologicalIndex])).toEqual([
      ["relu", "relu", 1],
      ["tanh", "tanh", 2],
    ]);
    for (const tensor of activations) expectMoments(tensor, expected.get(tensor.name) as Float32Array);
    const [output] = ofKind(logged, TensorKind.OUTPUT);
    expect(output?.name).toBe("out");
    expectMoments(output as LoggedTensor, expected.get("out") as Float32Array);
  });

  test("have what went into the function, also where tfjs fuses it with the product", async () => {
    const model = net();
    const [kernel, bias] = model.getLayer("relu").getWeights() as [tf.Tensor2D, tf.Tensor];
    const beforeRelu = (x.slice(0, 8) as tf.Tensor2D).matMul(kernel).add(bias).dataSync().slice();
    const hidden = valuesAt(model, "tanh", x.slice(0, 8));
    const pre = ofKind(await train({ model, x, y, loss: "categoricalCrossentropy" }), TensorKind.PRE_ACTIVATION);
    expect(pre.map(({ name, activation }) => [name, activation])).toEqual([
      ["relu", "relu"],
      ["tanh", "tanh"],
      ["out", "softmax"],
    ]);
    expectMoments(named(pre, "relu"), beforeRelu);
    expectMoments(named(pre, "tanh"), hidden.map(Math.atanh));
    // Share of derivative 0, and nothing of the kind for a softmax.
    expect(named(pre, "relu").summary.derivativeBelow5Percent).toBeCloseTo(beforeRelu.filter((value) => value <= 0).length / 48, 12);
    expect(named(pre, "tanh").summary.derivativeBelow5Percent).toBeCloseTo(hidden.filter((value) => 1 - value ** 2 < 0.05).length / 32, 12);
    expect(named(pre, "out").summary.derivativeBelow5Percent).toBeUndefined();
  });
});

describe("units that do not answer", () => {
  test("are counted over as many steps as make 500 samples", async () => {
    // Unit 0 is dead; unit 1 answers one sample in 300; unit 2 says the same to all; unit 3 lives.
    const kernel = tf.tensor2d([[0, 0, 0, 1], [0, 1, 0, 0]]); // prettier-ignore
    const bias = tf.tensor1d([-8, 0, 3, 0.1]);
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ name: "units", units: 4, activation: "relu", inputShape: [2], weights: [kernel, bias], trainable: false }),
        tf.layers.dense({ name: "out", units: 1, kernelInitializer: seeded(1) }),
      ],
    });
    const samples = 1200;
    const rows = Array.from({ length: samples }, (_none, i) => [Math.sin(i), i % 300 === 7 ? 1 : -1]);
    const logged = await train({
      model,
      x: tf.tensor2d(rows),
      y: noise([samples, 1], 2),
      loss: "meanSquaredError",
      batchSize: 50,
      every: 3,
    });
    const counts = logged.tensors
      .filter(({ kind, name }) => kind === TensorKind.ACTIVATION && name === "units")
      .map(({ step, summary }) => [
        step,
        Number(summary.samples),
        Number(summary.units),
        Number(summary.unitsActiveBelow2Permille),
        Number(summary.unitsActiveBelow1Percent),
        Number(summary.unitsZeroSpread),
      ]);
    expect(counts[0]).toEqual([0, 50, 4, 1, 1, 2]);
    // 3, 6 and 9 only fill the window; at 12 it holds 12 steps of 50 samples, twice with the rare one.
    expect(counts.filter(([, , units]) => units === 4).map(([step, seen]) => [step, seen])).toEqual([
      [0, 50],
      [12, 600],
    ]);
    expect(counts.find(([step]) => step === 12)?.slice(2)).toEqual([4, 1, 2, 2]);
  });

  test("a convolution's are its channels, over all positions; channels may come first", async () => {
    for (const dataFormat of ["channelsLast", "channelsFirst"] as const) {
      const kernel = tf.tensor4d([1, -1, 0], [1, 1, 1, 3]);
      const model = tf.sequential({
        layers: [
          tf.layers.conv2d({
            name: "conv",
            filters: 3,
            kernelSize: 1,
            dataFormat,
            activation: "relu",
            inputShape: dataFormat === "channelsLast" ? [2, 3, 1] : [1, 2, 3],
            weights: [kernel, tf.tensor1d([0, 0, 1])],
          }),
          tf.layers.flatten(),
          tf.layers.dense({ name: "out", units: 1, kernelInitializer: seeded(1) }),
        ],
      });
      // One pixel of each of 10 pictures is above zero, in the last picture all are below.
      const pixels = Array.from({ length: 60 }, (_none, i) => (i < 54 && i % 6 === 2 ? 1 : -1));
      const x = tf.tensor(pixels, dataFormat === "channelsLast" ? [10, 2, 3, 1] : [10, 1, 2, 3]);
      const logged = await train({ model, x, y: noise([10, 1], 2), loss: "meanSquaredError", batchSize: 10 });
      const { summary } = named(ofKind(logged, TensorKind.ACTIVATION), "conv");
      // No channel is silent: the first answers 9 pictures of 10, the second all; the third says 1 everywhere.
      expect([Number(summary.units), Number(summary.unitsActiveBelow1Percent), Number(summary.unitsZeroSpread)]).toEqual([3, 0, 1]);
      expect(Number(summary.samples)).toBe(10);
    }
  });
});

describe("inputs", () => {
  test("by channel have mean and deviation, their type, and a hash that tells the same batch again", async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ name: "conv", filters: 2, kernelSize: 2, inputShape: [4, 4, 3], kernelInitializer: seeded(1) }),
        tf.layers.flatten(),
        tf.layers.dense({ name: "out", units: 1, kernelInitializer: seeded(2) }),
      ],
    });
    // Channels of mean 100, −3 and a constant 7.
    const x = noise([8, 4, 4, 3], 3)
      .mul(tf.tensor1d([20, 1, 0]))
      .add(tf.tensor1d([100, -3, 7]));
    const logged = await train({ model, x, y: noise([8, 1], 2), loss: "meanSquaredError", batchSize: 8, epochs: 2 });
    const [input] = ofKind(logged, TensorKind.INPUT);
    const [means, stds] = [unitValues(input!.summary.unitMeans as never), unitValues(input!.summary.unitStds as never)];
    const values = x.dataSync();
    for (const channel of [0, 1, 2]) {
      const own = Array.from(values).filter((_value, i) => i % 3 === channel);
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
      expect(means[channel]).toBeCloseTo(mean, 3);
      expect(stds[channel]).toBeCloseTo(Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length), 3);
    }
    expect([Number(input?.summary.units), Number(input?.summary.unitsZeroSpread), input?.dtype]).toEqual([3, 1, "float32"]);
    const hashes = [0, 1].map((step) => ofKind(logged, TensorKind.INPUT, step)[0]?.summary.hash);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(0n);
  });

  test("are pictures on request", async () => {
    const model = tf.sequential({
      layers: [tf.layers.flatten({ inputShape: [6, 6, 1] }), tf.layers.dense({ name: "out", units: 2, kernelInitializer: seeded(1) })],
    });
    const logged = await train({ model, x: noise([8, 6, 6, 1], 1), y: noise([8, 2], 2), loss: "meanSquaredError" });
    // The first layer weighs a picture: its weights are pictures, too.
    expect(logged.images.map(({ name, caption }) => [name, caption.split(";")[0]])).toEqual([
      ["filters/out", "2 filters, 6 × 6"],
      ["inputs/flatten_input".replace("flatten_input", model.inputs[0]?.name ?? ""), "4 samples of the batch"],
    ]);
  });
});

describe("labels and predictions", () => {
  const CLASSES = 3;
  const labels = [0, 1, 2, 2, 2, 1, 0, 2];
  const classifier = (units: number, activation: "softmax" | "sigmoid"): tf.Sequential =>
    tf.sequential({ layers: [tf.layers.dense({ name: "out", units, activation, inputShape: [4], kernelInitializer: seeded(5) })] });
  const x = noise([8, 4], 6);

  /** Rows are labels. */
  function confusionOf(truth: readonly number[], guesses: readonly number[], classes: number): number[][] {
    const rows = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
    truth.forEach((label, i) => ((rows[label] as number[])[guesses[i] as number]! += 1));
    return rows;
  }
  const argMax = (model: tf.LayersModel): number[] => Array.from((model.predict(x) as tf.Tensor).argMax(-1).dataSync());

  test.each([
    ["one-hot", () => tf.oneHot(tf.tensor1d(labels, "int32"), CLASSES), "categoricalCrossentropy"],
    ["numbers", () => tf.tensor2d(labels, [8, 1]), "sparseCategoricalCrossentropy"],
  ] as const)("are counted, labels being %s", async (_form, y, loss) => {
    const model = classifier(CLASSES, "softmax");
    const expected = confusionOf(labels, argMax(model), CLASSES);
    const { classes, facts } = await train({ model, x, y: y(), loss });
    expect(facts.find(({ labelCounts }) => labelCounts.length > 0)?.labelCounts.map(Number)).toEqual([2, 2, 4]);
    expect(classes[0]?.labelCounts.map(Number)).toEqual([2, 2, 4]);
    expect(classes[0]?.confusion.map(Number)).toEqual(expected.flat());
    expect(classes[0]?.classError).toEqual(
      expected.map((row, label) => expect.closeTo(1 - row[label]! / row.reduce((a, b) => a + b, 0), 12)),
    );
  });

  test("of two classes in one output, too", async () => {
    const model = classifier(1, "sigmoid");
    const truth = labels.map((label) => (label === 2 ? 1 : 0));
    const guesses = Array.from((model.predict(x) as tf.Tensor).dataSync(), (p) => (p > 0.5 ? 1 : 0));
    const { classes } = await train({ model, x, y: tf.tensor2d(truth, [8, 1]), loss: "binaryCrossentropy" });
    expect(classes[0]?.confusion.map(Number)).toEqual(confusionOf(truth, guesses, 2).flat());
  });

  test("of a whole evaluation are one record, with the number of its samples", async () => {
    const model = classifier(CLASSES, "softmax");
    const y = tf.oneHot(tf.tensor1d(labels, "int32"), CLASSES);
    const validation: [tf.Tensor, tf.Tensor] = [x.concat(x, 0), y.concat(y, 0)];
    const { classes, facts, steps } = await train({ model, x, y, loss: "categoricalCrossentropy", validation, epochs: 2, batchSize: 4 });
    const evaluations = classes.filter(({ phase }) => phase === 2);
    expect(evaluations).toHaveLength(2);
    expect(evaluations[0]?.labelCounts.map(Number)).toEqual([4, 4, 8]);
    expect(facts.findLast(({ validationSamples }) => validationSamples !== undefined)?.validationSamples).toBe(16n);
    // The pause is explained while it lasts.
    expect(steps.filter(({ phase }) => phase !== 0).map(({ step, phase }) => [Number(step), phase])).toEqual([
      [1, 2],
      [2, 1],
      [3, 2],
    ]);
  });

  test("of a regression are a tensor, and its spread is a fact", async () => {
    const y = noise([256, 2], 3).mul(4).add(10);
    const model = tf.sequential({ layers: [tf.layers.dense({ name: "out", units: 2, inputShape: [4], kernelInitializer: seeded(5) })] });
    const logged = await train({ model, x: noise([256, 4], 1), y, loss: "meanSquaredError", batchSize: 256 });
    expectMoments(named(ofKind(logged, TensorKind.LABEL), "out"), y.dataSync());
    const std = logged.facts.find(({ targetStd }) => targetStd !== undefined)?.targetStd;
    expect(std).toBeCloseTo(tf.moments(y).variance.sqrt().dataSync()[0] as number, 2);
    expect(logged.classes).toEqual([]);
  });
});
