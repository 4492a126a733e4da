// A convolutional net tells stripes from one another by their direction: `model.fitDataset` with the callback. Its filters, drawn over time,
// turn into stripes themselves; a few of the inputs are logged as pictures, because this data is nobody's.

import { init } from "@gradwatch/sdk";
import { gradwatchCallback } from "@gradwatch/sdk/tfjs";
import * as tf from "@tensorflow/tfjs";

const SIDE = 12;
const DIRECTIONS = 4;

/** Stripes of one direction, moved by chance, under noise. */
function stripes(direction: number): tf.Tensor3D {
  const angle = (Math.PI * direction) / DIRECTIONS;
  const phase = 2 * Math.PI * Math.random();
  const pixels = Float32Array.from({ length: SIDE * SIDE }, (_none, i) => {
    const [y, x] = [Math.floor(i / SIDE), i % SIDE];
    return Math.sin(1.5 * (x * Math.cos(angle) + y * Math.sin(angle)) + phase) + 0.6 * (Math.random() - 0.5);
  });
  return tf.tensor3d(pixels, [SIDE, SIDE, 1]);
}

const pictures = tf.data
  .generator(function* () {
    for (let i = 0; i < 320; i++) {
      const direction = i % DIRECTIONS;
      yield { xs: stripes(direction), ys: tf.oneHot(direction, DIRECTIONS) };
    }
  })
  .batch(16);

const model = tf.sequential({
  layers: [
    tf.layers.conv2d({ name: "filters", filters: 8, kernelSize: 5, activation: "relu", inputShape: [SIDE, SIDE, 1] }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.flatten(),
    tf.layers.dense({ name: "out", units: DIRECTIONS, activation: "softmax" }),
  ],
});
model.compile({ optimizer: tf.train.adam(0.005), loss: "categoricalCrossentropy", metrics: ["accuracy"] });

const run = init({ project: "examples", name: "convolution" });
await model.fitDataset(pictures, { epochs: 4, verbose: 0, callbacks: gradwatchCallback(run, { inputSamples: 16 }) });
await run.finish();
