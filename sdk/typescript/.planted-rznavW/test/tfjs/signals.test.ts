// What else the callback sends, against a recomputation from the raw tensors: updates, and the pictures of filters.

import * as tf from "@tensorflow/tfjs";
import { fromBinary } from "@bufbuild/protobuf";
import { BatchBodySchema, TensorKind } from "@gradwatch/proto";
import { decode } from "fast-png";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { init, type Run } from "../../src/index.ts";
import { drawFilters } from "../../src/tfjs/filter-images.ts";
import { gradwatchCallback } from "../../src/tfjs/index.ts";
import { type Peer, startPeer } from "../scripted-peer.ts";

const peers: Peer[] = [];
afterEach(() => peers.splice(0).forEach((peer) => peer.stop()));
beforeAll(async () => {
  await tf.setBackend("cpu");
});

async function peerAndRun(): Promise<{ peer: Peer; run: Run }> {
  const peer = await startPeer();
  peers.push(peer);
  return { peer, run: init({ project: "p", id: "r", url: peer.address, verbose: false }) };
}
const bodiesOf = (peer: Peer) => peer.batches.map(({ body }) => fromBinary(BatchBodySchema, body));

function convolution(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        name: "conv",
        filters: 4,
        kernelSize: 3,
        inputShape: [8, 8, 1],
        kernelInitializer: tf.initializers.heNormal({ seed: 1 }),
      }),
      tf.layers.flatten(),
      tf.layers.dense({ name: "out", units: 2, kernelInitializer: tf.initializers.glorotNormal({ seed: 2 }) }),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: "meanSquaredError" });
  return model;
}

test("an update is what the weight is after a step, less what it was before", async () => {
  const { peer, run } = await peerAndRun();
  const model = convolution();
  const before = model.getWeights().map((weight) => weight.dataSync().slice());
  const [x, y] = [tf.randomNormal([4, 8, 8, 1], 0, 1, "float32", 3), tf.randomNormal([4, 2], 0, 1, "float32", 4)];
  await model.fit(x, y, { epochs: 1, batchSize: 4, shuffle: false, verbose: 0, callbacks: [gradwatchCallback(run)] });
  await run.finish();
  const names = ["conv/kernel", "conv/bias", "out/kernel", "out/bias"];
  const norms = model.getWeights().map((weight, w) => {
    const old = before[w] as Float32Array;
    return (weight.dataSync() as Float32Array).reduce((sum, value, i) => sum + Math.fround(value - (old[i] as number)) ** 2, 0);
  });
  const sent = new Map(
    bodiesOf(peer).flatMap(({ tensors, tensorRecords }) =>
      tensorRecords.flatMap(({ summaries }) =>
        summaries
          .filter(({ tensor }) => tensors[tensor]?.kind === TensorKind.UPDATE)
          .map(({ tensor, sumSquares }) => [tensors[tensor]?.name, sumSquares] as const),
      ),
    ),
  );
  expect(new Set(sent.keys())).toEqual(new Set(names));
  names.forEach((name, i) => expect(sent.get(name)).toBeCloseTo(norms[i] as number, 10));
});

test.each([
  { name: "Adam", make: () => tf.train.adam(0.01), expected: (steps: readonly number[][]) => adamSurprise(steps) },
  { name: "RMSProp", make: () => tf.train.rmsprop(0.01, 0.9), expected: (steps: readonly number[][]) => rmspropSurprise(steps) },
])("$name tells how large the gradient is beside what the optimiser expects", async ({ make, expected }) => {
  const { peer, run } = await peerAndRun();
  const model = convolution();
  model.compile({ optimizer: make(), loss: "meanSquaredError" });
  // Every step's gradients, all weights in one row.
  const gradients: number[][] = [];
  const { optimizer } = model;
  const { applyGradients } = optimizer;
  optimizer.applyGradients = (given) => {
    const list = Array.isArray(given) ? given.map(({ tensor }) => tensor) : Object.values(given);
    gradients.push(list.flatMap((tensor) => Array.from(tensor.dataSync())));
    applyGradients.call(optimizer, given);
  };
  const [x, y] = [tf.randomNormal([4, 8, 8, 1], 0, 1, "float32", 3), tf.randomNormal([4, 2], 0, 1, "float32", 4)];
  await model.fit(x, y, { epochs: 4, batchSize: 4, shuffle: false, verbose: 0, callbacks: [gradwatchCallback(run, { every: 1 })] });
  await run.finish();
  const sent = bodiesOf(peer).flatMap(({ steps }) => steps.map(({ updateSurpriseRms }) => updateSurpriseRms));
  expect(sent).toHaveLength(4);
  gradients.forEach((_gradient, i) => expect(sent[i]).toBeCloseTo(expected(gradients.slice(0, i + 1)), 3));
});

/** RMS(g² / v) after the last of these steps; `correct` makes v of the running mean. */
function surpriseOf(steps: readonly number[][], decay: number, correct: (mean: number) => number): number {
  const last = steps.at(-1) as number[];
  const ratios = last.map((gradient, i) => {
    const mean = steps.reduce((running, step) => decay * running + (1 - decay) * (step[i] as number) ** 2, 0);
    return gradient ** 2 / Math.max(correct(mean), 1e-14);
  });
  return Math.sqrt(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length);
}
const adamSurprise = (steps: readonly number[][]): number => surpriseOf(steps, 0.999, (mean) => mean / (1 - 0.999 ** steps.length));
const rmspropSurprise = (steps: readonly number[][]): number => surpriseOf(steps, 0.9, (mean) => mean);

test("an optimiser without a second moment tells nothing of it", async () => {
  const { peer, run } = await peerAndRun();
  await convolution().fit(tf.randomNormal([4, 8, 8, 1]), tf.randomNormal([4, 2]), { verbose: 0, callbacks: [gradwatchCallback(run)] });
  await run.finish();
  expect(bodiesOf(peer).flatMap(({ steps }) => steps.map(({ updateSurpriseRms }) => updateSurpriseRms))).toEqual([undefined]);
});

test("the filters of a convolution are pictures, at the beginning and now and then", async () => {
  const { peer, run } = await peerAndRun();
  const model = convolution();
  const [x, y] = [tf.randomNormal([8, 8, 8, 1]), tf.randomNormal([8, 2])];
  await model.fit(x, y, { epochs: 12, batchSize: 8, verbose: 0, callbacks: [gradwatchCallback(run, { every: 2 })] });
  await run.finish();
  const images = bodiesOf(peer).flatMap((body) => body.images);
  expect(images.map(({ name, step }) => [name, Number(step)])).toEqual([
    ["filters/conv", 0],
    ["filters/conv", 10],
  ]);
  expect(images[0]?.caption).toContain("4 filters, 3 × 3");
  const { width, height } = decode(images[0]?.data as Uint8Array);
  // Four filters of 3 × 3 weights, each weight 6 pixels, a pixel between them.
  expect([width, height]).toEqual([4 * 18 + 3, 18]);
});

describe("drawn filters", () => {
  /** The pixel of a one-channel picture. */
  const pixel = ({ data, width }: { data: ArrayLike<number>; width: number }, y: number, x: number): number =>
    data[y * width + x] as number;

  test("share one scale around grey; a dead filter is plain grey", () => {
    // Two filters of one weight: the second is zero.
    const { pixels } = drawFilters(Float32Array.of(2, 0), [1, 1, 1, 2]);
    expect([pixel(pixels, 0, 0), pixel(pixels, 0, 17)]).toEqual([255, 128]);
    const negative = drawFilters(Float32Array.of(2, -2), [1, 1, 1, 2]).pixels;
    expect(pixel(negative, 0, 17)).toBe(0);
  });

  test("of three inputs are colours, of more their mean", () => {
    expect(drawFilters(new Float32Array(3), [1, 1, 3, 1]).pixels.data).toHaveLength(16 * 16 * 3);
    const { pixels, caption } = drawFilters(Float32Array.of(1, 0, 0, 1), [1, 1, 2, 2]);
    expect(caption).toContain("mean over 2 inputs");
    expect([pixel(pixels, 0, 0), pixel(pixels, 0, 17)]).toEqual([255, 255]);
  });

  test("of a layer with many are the first 64, eight in a row", () => {
    const { pixels, caption } = drawFilters(new Float32Array(9 * 100), [3, 3, 1, 100]);
    expect(caption).toContain("the first 64 of 100 filters");
    expect([pixels.width, pixels.height]).toEqual([8 * 19 - 1, 8 * 19 - 1]);
  });

  test("survive NaN and Inf", () => {
    const { pixels } = drawFilters(Float32Array.of(Number.NaN, Infinity, 1), [1, 1, 1, 3]);
    expect(Array.from(pixels.data).every((value) => value >= 0 && value <= 255)).toBe(true);
  });
});
