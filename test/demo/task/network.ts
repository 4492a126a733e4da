// The demo's network: one small perceptron that all three trainings share, so that each differs from the healthy one in
// the one thing that is wrong with it.

import * as tf from "@tensorflow/tfjs";
import { CLASSES, IMAGE_SIDE } from "./digits.ts";

export interface NetworkOptions {
  readonly seed: number;
  /** False: the layers up to the last keep their first weights. */
  readonly trainTrunk?: boolean;
}

export function makeNetwork({ seed, trainTrunk = true }: NetworkOptions): tf.Sequential {
  const network = tf.sequential();
  HIDDEN_UNITS.forEach((units, i) => {
    const inputShape = i === 0 ? { inputShape: [IMAGE_SIDE * IMAGE_SIDE] } : {};
    const kernelInitializer = tf.initializers.heNormal({ seed: seed + i });
    network.add(tf.layers.dense({ name: `hidden_${i + 1}`, units, kernelInitializer, trainable: trainTrunk, ...inputShape }));
    network.add(tf.layers.leakyReLU({ name: `activation_${i + 1}`, alpha: 0.2 }));
  });
  const kernelInitializer = tf.initializers.glorotNormal({ seed: seed + HIDDEN_UNITS.length });
  network.add(tf.layers.dense({ name: "logits", units: CLASSES, kernelInitializer }));
  return network;
}

/** The last is narrow: from so few random features alone, the digits cannot be told. */
const HIDDEN_UNITS = [64, 32, 12];

/** Cross-entropy of logits: unlike tfjs's own on probabilities, it does not clip what should be seen to blow up. */
export function crossEntropy(labels: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  return tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(labels, logits);
}
