// The share of a tensor's values that lie in one of some intervals, NaN counting as outside: with the flat intervals of
// an activation function, the share of values that pass hardly any gradient on.

import type * as tf from "@tensorflow/tfjs";
import type { Interval } from "./activation-functions.ts";
import type { Reduction } from "./readings.ts";

/** Intervals are closed and do not overlap. */
export function intervalShare(tensor: tf.Tensor, intervals: readonly Interval[]): Reduction<number> {
  return {
    onBackend(engine) {
      const x = tensor.toFloat();
      const inside = intervals.map(([from, to]) => x.greaterEqual(from).logicalAnd(x.lessEqual(to)).toFloat().mean());
      return inside.length === 0 ? engine.zeros([1]) : engine.addN(inside).reshape([1]);
    },
    decode: (row) => row[0] as number,
    inMemory(valuesOf) {
      const values = valuesOf(tensor);
      let inside = 0;
      for (const [from, to] of intervals) {
        for (let i = 0; i < values.length; i++) if ((values[i] as number) >= from && (values[i] as number) <= to) inside += 1;
      }
      return values.length === 0 ? 0 : inside / values.length;
    },
  };
}
