// Models of any shape: what is logged has one name a place in the graph, training is the same bit for bit, and no tensor stays.

import * as tf from "@tensorflow/tfjs";
import { TensorKind } from "@gradwatch/proto";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { gradwatchCallback } from "../../src/tfjs/index.ts";
import type { Peer } from "../scripted-peer.ts";
import { useBackend } from "./backend.ts";
import { type Logged, loggedBy, ofKind, peerAndRun } from "./logged.ts";

const peers: Peer[] = [];
afterEach(() => peers.splice(0).forEach((peer) => peer.stop()));
beforeAll(useBackend);

const SAMPLES = 12;
const noise = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, "float32", seed);
const dense = (name: string, units: number, activation: "relu" | "tanh" | "sigmoid" | "linear" = "linear"): tf.layers.Layer =>
  tf.layers.dense({ name, units, activation });
const input = (name: string, shape: number[]): tf.SymbolicTensor => tf.input({ name, shape });
const apply = (layer: tf.layers.Layer, to: tf.SymbolicTensor | tf.SymbolicTensor[]): tf.SymbolicTensor =>
  layer.apply(to) as tf.SymbolicTensor;

interface Shape {
  readonly shape: string;
  make(): tf.LayersModel;
  readonly inputs: readonly number[][];
  readonly outputs: readonly number[][];
  /** Names of activations, outputs and inputs. */
  readonly activations: readonly string[];
  readonly outs: readonly string[];
  readonly ins: readonly string[];
  /** Of whose activation function the input is seen. */
  readonly before: readonly string[];
}

const shapes: readonly Shape[] = [
  {
    shape: "a residual connection",
    make() {
      const x = input("x", [4]);
      const hidden = apply(dense("inner", 4, "relu"), x);
      const sum = apply(tf.layers.add({ name: "sum" }), [hidden, x]);
      return tf.model({ inputs: x, outputs: apply(dense("out", 2), sum) });
    },
    inputs: [[4]],
    outputs: [[2]],
    activations: ["inner"],
    outs: ["out"],
    ins: ["x"],
    before: ["inner"],
  },
  {
    shape: "a shared layer, one name a place",
    make() {
      const [a, b] = [input("a", [3]), input("b", [3])];
      const shared = dense("shared", 4, "tanh");
      const joined = apply(tf.layers.concatenate({ name: "joined" }), [apply(shared, a), apply(shared, b)]);
      return tf.model({ inputs: [a, b], outputs: apply(dense("out", 1), joined) });
    },
    inputs: [[3], [3]],
    outputs: [[1]],
    activations: ["shared", "shared#2"],
    outs: ["out"],
    ins: ["a", "b"],
    before: ["shared", "shared#2"],
  },
  {
    shape: "a shared model inside the model",
    make() {
      const encoder = tf.sequential({
        name: "encoder",
        layers: [tf.layers.dense({ name: "first", units: 3, activation: "relu", inputShape: [3] }), dense("second", 2, "sigmoid")],
      });
      const [a, b] = [input("a", [3]), input("b", [3])];
      const far = apply(tf.layers.concatenate({ name: "joined" }), [
        encoder.apply(a) as tf.SymbolicTensor,
        encoder.apply(b) as tf.SymbolicTensor,
      ]);
      return tf.model({ inputs: [a, b], outputs: apply(dense("out", 1), far) });
    },
    inputs: [[3], [3]],
    outputs: [[1]],
    activations: ["encoder/first", "encoder/first#2", "encoder/second", "encoder/second#2"],
    outs: ["out"],
    ins: ["a", "b"],
    before: ["encoder/first", "encoder/first#2", "encoder/second", "encoder/second#2"],
  },
  {
    shape: "two outputs with a loss each",
    make() {
      const x = input("x", [3]);
      const trunk = apply(dense("trunk", 4, "relu"), x);
      return tf.model({ inputs: x, outputs: [apply(dense("left", 2), trunk), apply(dense("right", 1), trunk)] });
    },
    inputs: [[3]],
    outputs: [[2], [1]],
    activations: ["trunk"],
    outs: ["left", "right"],
    ins: ["x"],
    before: ["trunk"],
  },
  {
    shape: "activation layers, normalisation, dropout and pooling",
    make: () =>
      tf.sequential({
        layers: [
          tf.layers.conv2d({ name: "conv", filters: 2, kernelSize: 2, inputShape: [5, 5, 1] }),
          tf.layers.batchNormalization({ name: "norm" }),
          tf.layers.reLU({ name: "relu" }),
          tf.layers.maxPooling2d({ name: "pool", poolSize: 2 }),
          tf.layers.depthwiseConv2d({ name: "depth", kernelSize: 2, activation: "tanh" }),
          tf.layers.flatten({ name: "flat" }),
          tf.layers.leakyReLU({ name: "leaky" }),
          tf.layers.activation({ name: "swish", activation: "swish" }),
          tf.layers.dropout({ name: "drop", rate: 0 }),
          dense("out", 1),
        ],
      }),
    inputs: [[5, 5, 1]],
    outputs: [[1]],
    activations: ["conv", "norm", "relu", "depth", "leaky", "swish"],
    outs: ["out"],
    ins: ["conv_input"],
    before: ["relu", "depth", "leaky", "swish"],
  },
  {
    shape: "a layer distributed over time, and an embedding",
    make: () =>
      tf.sequential({
        layers: [
          tf.layers.embedding({ name: "words", inputDim: 7, outputDim: 3, inputLength: 4 }),
          tf.layers.timeDistributed({ name: "each", layer: tf.layers.dense({ units: 2, activation: "relu" }) }),
          tf.layers.flatten({ name: "flat" }),
          dense("out", 1),
        ],
      }),
    inputs: [[4]],
    outputs: [[1]],
    activations: ["words", "each"],
    outs: ["out"],
    ins: ["words_input"],
    before: ["each"],
  },
  {
    shape: "an output that is no layer of weights",
    make() {
      const x = input("x", [4]);
      const twin = [apply(dense("left", 2, "tanh"), x), apply(dense("right", 2, "tanh"), x)];
      return tf.model({ inputs: x, outputs: apply(tf.layers.multiply({ name: "product" }), twin) });
    },
    inputs: [[4]],
    outputs: [[2]],
    activations: ["left", "right"],
    outs: ["product"],
    ins: ["x"],
    before: ["left", "right"],
  },
];

/** Numbers, or indices where an embedding takes them. */
const data = (shape: number[], index: number, model: tf.LayersModel): tf.Tensor =>
  model.layers.some((layer) => layer.getClassName() === "Embedding")
    ? tf.randomUniform([SAMPLES, ...shape], 0, 7, "int32", index + 1)
    : noise([SAMPLES, ...shape], index + 1);

function compiled({ make, outputs }: Shape): tf.LayersModel {
  const model = make();
  model.compile({ optimizer: tf.train.sgd(0.05), loss: outputs.map(() => "meanSquaredError") });
  model.setWeights(
    model.getWeights().map((weight, i) =>
      noise(weight.shape, 50 + i)
        .mul(0.4)
        .abs(),
    ),
  );
  return model;
}

async function fit(shape: Shape, model: tf.LayersModel, callbacks: tf.CustomCallback[], epochs = 2): Promise<void> {
  const x = shape.inputs.map((one, i) => data(one, i, model));
  const y = shape.outputs.map((one, i) => noise([SAMPLES, ...one], 20 + i));
  await model.fit(x, y, { epochs, batchSize: 4, shuffle: false, verbose: 0, callbacks });
  tf.dispose([...x, ...y]);
}

const names = (logged: Logged, kind: TensorKind): string[] => ofKind(logged, kind, 1).map(({ name }) => name);
const sorted = (list: readonly string[]): string[] => list.toSorted();

describe.each(shapes)("$shape", (shape) => {
  test("is logged by place in the graph", async () => {
    const { peer, run } = await peerAndRun(peers);
    await fit(shape, compiled(shape), [gradwatchCallback(run, { every: 1, budget: Infinity })]);
    expect(await run.finish()).toMatchObject({ rejected: 0, dropped: {}, pending: 0 });
    const logged = loggedBy(peer);
    expect(sorted(names(logged, TensorKind.ACTIVATION))).toEqual(sorted(shape.activations));
    expect(sorted(names(logged, TensorKind.OUTPUT))).toEqual(sorted(shape.outs));
    expect(sorted(names(logged, TensorKind.INPUT))).toEqual(sorted(shape.ins));
    expect(sorted(names(logged, TensorKind.PRE_ACTIVATION))).toEqual(sorted(shape.before));
    for (const { summary, kind } of logged.tensors) {
      if (kind === TensorKind.ACTIVATION || kind === TensorKind.OUTPUT || kind === TensorKind.INPUT)
        expect(Number(summary.samples)).toBeGreaterThanOrEqual(4);
    }
    expect(logged.steps.every(({ batchSize }) => batchSize === 4n)).toBe(true);
  });

  test("trains the same, bit for bit, and keeps no tensor", async () => {
    const { run } = await peerAndRun(peers);
    const [watched, alone] = [compiled(shape), compiled(shape)];
    await fit(shape, watched, [gradwatchCallback(run, { every: 1, budget: Infinity })]);
    await fit(shape, alone, []);
    const values = (model: tf.LayersModel): number[] => model.getWeights().flatMap((weight) => [...weight.dataSync()]);
    expect(values(watched)).toEqual(values(alone));
    const before = tf.memory().numTensors;
    await fit(shape, watched, [gradwatchCallback(run, { every: 1, budget: Infinity })]);
    expect(tf.memory().numTensors).toBe(before);
    // Nothing of ours is left on the layers.
    for (const layer of watched.layers) expect(Object.hasOwn(layer, "call")).toBe(false);
    await run.finish();
  });
});

test("a model inside the model that is frozen is told so, with its layers", async () => {
  const { peer, run } = await peerAndRun(peers);
  const base = tf.sequential({ name: "base", layers: [tf.layers.dense({ name: "inner", units: 3, inputShape: [4] })] });
  base.trainable = false;
  const entry = input("x", [4]);
  const model = tf.model({ inputs: entry, outputs: apply(dense("head", 1), base.apply(entry) as tf.SymbolicTensor) });
  model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
  await model.fit(noise([8, 4], 1), noise([8, 1], 2), { epochs: 1, verbose: 0, callbacks: [gradwatchCallback(run)] });
  await run.finish();
  const layers = loggedBy(peer).facts.flatMap((facts) => facts.layers);
  expect(layers.map(({ name, trainable, fanIn, fanOut }) => [name, trainable, fanIn, fanOut])).toEqual(
    expect.arrayContaining([
      ["base/inner", false, 4, 3],
      ["head", true, 3, 1],
    ]),
  );
});
