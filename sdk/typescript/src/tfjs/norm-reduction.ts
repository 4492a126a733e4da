// The L2 norm of one tensor, for those steps at which nothing else is read of it.

import type * as tf from "@tensorflow/tfjs";
import type { Reduction, Values } from "./readings.ts";

/** Over all elements; NaN or Infinity when one of them is. */
export function normOf(tensor: tf.Tensor): Reduction<number> {
  return {
    /** [NaN count, Inf count, largest finite, sum of squares of x / largest] */
    onBackend(engine) {
      const x = tensor.flatten().toFloat();
      const absolute = engine.where(x.isFinite(), x, engine.zerosLike(x)).abs();
      const largest = absolute.max();
      const unit = engine.where(largest.greater(0), largest, engine.onesLike(largest));
      return engine.stack([
        x.isNaN().toFloat().sum(),
        x.isInf().toFloat().sum(),
        largest,
        absolute.div(unit).square().sum(),
      ]) as tf.Tensor1D;
    },
    decode(row) {
      const [nan, infinite, largest, sumSquares] = row as unknown as readonly [number, number, number, number];
      if (nan > 0) return Number.NaN;
      return infinite > 0 ? Number.POSITIVE_INFINITY : largest * Math.sqrt(sumSquares);
    },
    inMemory: (valuesOf) => Math.sqrt(sumOfSquares(valuesOf(tensor))),
  };
}

/** Of several tensors together. */
export function normOfNorms(norms: readonly number[]): number {
  if (norms.some(Number.isNaN)) return Number.NaN;
  return Math.hypot(...norms);
}

/** In float64, where the square of the largest float32 still fits; NaN and Inf carry through. Four sums, so that none waits for the last addition. */
function sumOfSquares(values: Values): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length - (values.length % 4);
  for (let i = 0; i < whole; i += 4) {
    const [p, q, r, s] = [values[i], values[i + 1], values[i + 2], values[i + 3]] as [number, number, number, number];
    a += p * p;
    b += q * q;
    c += r * r;
    d += s * s;
  }
  for (let i = whole; i < values.length; i += 1) a += (values[i] as number) ** 2;
  return a + b + (c + d);
}
