// Reads tensors whose values lie in this process: the values are looked at in place and never copied.

import type * as tf from "@tensorflow/tfjs";
import { summarize } from "../summarize.ts";
import type { TensorReader } from "./tensor-reader.ts";

export const memoryReader: TensorReader = {
  summarize: (tensors) => Promise.resolve(tensors.map((tensor) => summarize(tensor.dataSync()))),
  norm: (tensors) => Promise.resolve(Math.sqrt(tensors.reduce((total, tensor) => total + sumOfSquares(tensor), 0))),
};

/** In float64, where the square of the largest float32 still fits; NaN and Inf carry through. */
function sumOfSquares(tensor: tf.Tensor): number {
  const values = tensor.dataSync();
  let total = 0;
  for (let i = 0; i < values.length; i += 1) total += values[i]! * values[i]!;
  return total;
}
