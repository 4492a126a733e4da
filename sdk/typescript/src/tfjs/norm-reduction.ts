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

/** In float64, where the square of the largest float32 still fits; NaN and Inf carry through. */
function sumOfSquares(values: Values): number {
  let total = 0;
  for (let i = 0; i < values.length; i += 1) total += (values[i] as number) * (values[i] as number);
  return total;
}
