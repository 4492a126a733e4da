// Mean and standard deviation by unit, where there are few: inputs by channel, gradients of a recurrent state by time step.

import type * as tf from "@tensorflow/tfjs";
import { decodeWholeNumbers, type Reduction, wholeNumbers } from "./readings.ts";
import { eachRun, type UnitLayout } from "./unit-layout.ts";

/** Of the finite values; NaN for a unit that has none. */
export interface UnitMoments {
  readonly means: Float32Array;
  readonly stds: Float32Array;
}

/** As the wire bounds it: more units are too many to look at one by one. */
export const UNITS_LISTED_MAX = 256;

export function unitMoments(tensor: tf.Tensor, layout: UnitLayout): Reduction<UnitMoments> {
  const { samples, before, units, after } = layout;
  return {
    onBackend(engine) {
      const x = tensor.toFloat().reshape([samples, before, units, after]);
      const finite = x.isFinite();
      const counts = finite.toInt().sum<tf.Tensor1D>([0, 1, 3]);
      const divisor = counts.toFloat().maximum(1);
      const kept = (values: tf.Tensor): tf.Tensor => engine.where(finite, values, engine.zerosLike(x));
      const means = kept(x).sum([0, 1, 3]).div(divisor);
      const centred = kept(x.sub(means.reshape([1, 1, units, 1])));
      // Scaled, so that large values do not overflow when squared.
      const largest = centred.abs().max([0, 1, 3]);
      const unit = engine.where(largest.greater(0), largest, engine.onesLike(largest));
      const squares = centred
        .div(unit.reshape([1, 1, units, 1]))
        .square()
        .sum([0, 1, 3])
        .div(divisor);
      return engine.concat1d([wholeNumbers(engine, counts), means, squares.sqrt().mul(unit)] as tf.Tensor1D[]);
    },
    decode(row) {
      const counts = decodeWholeNumbers(row.subarray(0, 2 * units));
      const known = (values: Float32Array): Float32Array =>
        values.map((value, unit) => ((counts[unit] as number) > 0 ? value : Number.NaN));
      return { means: known(row.slice(2 * units, 3 * units)), stds: known(row.slice(3 * units)) };
    },
    inMemory: (valuesOf) => momentsIn(valuesOf(tensor), layout),
  };
}

/** Two passes: the second around the first one's means, which cancellation does not hurt. */
function momentsIn(values: ArrayLike<number>, layout: UnitLayout): UnitMoments {
  const { units, after } = layout;
  const count = new Float64Array(units);
  const sum = new Float64Array(units);
  eachRun(layout, (_sample, unit, from) => {
    for (let i = from; i < from + after; i++) {
      const x = values[i] as number;
      if (!Number.isFinite(x)) continue;
      count[unit] = (count[unit] as number) + 1;
      sum[unit] = (sum[unit] as number) + x;
    }
  });
  const means = sum.map((total, unit) => total / (count[unit] as number));
  const squares = new Float64Array(units);
  eachRun(layout, (_sample, unit, from) => {
    for (let i = from; i < from + after; i++) {
      const x = values[i] as number;
      if (Number.isFinite(x)) squares[unit] = (squares[unit] as number) + (x - (means[unit] as number)) ** 2;
    }
  });
  return {
    means: Float32Array.from(means),
    stds: Float32Array.from(squares, (total, unit) => Math.sqrt(total / (count[unit] as number))),
  };
}
