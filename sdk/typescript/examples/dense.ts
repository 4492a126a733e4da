// A dense net tells which of three arms of a spiral a point lies on: `model.fit` with the callback. With tfjs-node, import that instead of
// "@tensorflow/tfjs"; nothing else changes.

import { init } from "@gradwatch/sdk";
import { gradwatchCallback } from "@gradwatch/sdk/tfjs";
import * as tf from "@tensorflow/tfjs";

const ARMS = 3;
const SAMPLES = 900;

function spiral(): { points: tf.Tensor2D; arms: tf.Tensor } {
  const arm = Array.from({ length: SAMPLES }, (_none, i) => i % ARMS);
  const points = arm.map((a, i) => {
    const radius = i / SAMPLES;
    const angle = 4 * radius + (2 * Math.PI * a) / ARMS + 0.1 * Math.sin(37 * i);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
  return { points: tf.tensor2d(points).mul(2), arms: tf.oneHot(tf.tensor1d(arm, "int32"), ARMS) };
}

const model = tf.sequential({
  layers: [
    tf.layers.dense({ name: "first", units: 32, activation: "relu", inputShape: [2] }),
    tf.layers.dense({ name: "second", units: 32, activation: "relu" }),
    tf.layers.dense({ name: "out", units: ARMS, activation: "softmax" }),
  ],
});
model.compile({ optimizer: tf.train.adam(0.01), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
const { points, arms } = spiral();

const run = init({ project: "examples", name: "dense", config: { optimizer: "adam", lr: 0.01 } });
await model.fit(points, arms, {
  epochs: 15,
  batchSize: 32,
  validationSplit: 0.1,
  verbose: 0,
  callbacks: gradwatchCallback(run),
});
await run.finish();
