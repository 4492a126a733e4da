// The histogram as backends compute it: a fixed number of bins a sign from one offset; and that in the shape of an exponential
// histogram, where empty ends are cut off.

import type * as tf from "@tensorflow/tfjs";
import type { BucketCounts, Histogram } from "../types.ts";

/** As fine as the summaries made in memory; both signs stay far below the 320 buckets that servers accept. */
export const HISTOGRAM_BINS_PER_SIGN = 80;

export interface BinnedHistogram {
  /** Positive values' bins, then negative values'. */
  readonly bins: ArrayLike<number>;
  readonly scale: number;
  /** Bucket index of either sign's first bin. */
  readonly offset: number;
  readonly zeroCount: number;
}

export function unpackHistogram({ bins, scale, offset, zeroCount }: BinnedHistogram): Histogram {
  return {
    scale,
    zeroThreshold: 0,
    zeroCount,
    positive: trimmed(bins, 0, offset),
    negative: trimmed(bins, HISTOGRAM_BINS_PER_SIGN, offset),
  };
}

function trimmed(bins: ArrayLike<number>, from: number, offset: number): BucketCounts {
  let first = from;
  let end = from + HISTOGRAM_BINS_PER_SIGN;
  while (first < end && bins[first] === 0) first += 1;
  while (end > first && bins[end - 1] === 0) end -= 1;
  if (first === end) return { offset: 0, counts: [] };
  return { offset: offset + first - from, counts: Array.from({ length: end - first }, (_, i) => bins[first + i]!) };
}

export interface Signed {
  readonly absolute: tf.Tensor;
  readonly negative: tf.Tensor;
  readonly positive: tf.Tensor;
  readonly maxAbsolute: tf.Tensor;
}

/** The finest scale at which the tensor's own range fits the bins, found without asking the backend for a number. */
export function binned(
  engine: typeof tf,
  { absolute, negative, positive, maxAbsolute }: Signed,
): { bins: tf.Tensor1D; scale: tf.Tensor; offset: tf.Tensor } {
  const isNumber = negative.logicalOr(positive);
  const ones = engine.onesLike(absolute);
  const log2 = (value: tf.Tensor): tf.Tensor => value.log().div(Math.LN2);
  const exponents = log2(engine.where(isNumber, absolute, ones));
  const top = log2(engine.where(maxAbsolute.greater(0), maxAbsolute, engine.onesLike(maxAbsolute)));
  const bottom = log2(engine.where(isNumber, absolute, engine.mul(ones, maxAbsolute)).min().maximum(SMALLEST_NORMAL));
  // Two bins of slack: rounding down at the bottom and up at the top.
  const span = top.sub(bottom).maximum(2 ** -10);
  const scale = log2(engine.scalar(HISTOGRAM_BINS_PER_SIGN - 2).div(span))
    .floor()
    .clipByValue(-4, SCALE_MAX);
  const factor = engine.pow(2, scale);
  const offset = bottom.mul(factor).ceil().sub(1);
  const bin = exponents
    .mul(factor)
    .ceil()
    .sub(1)
    .sub(offset)
    .clipByValue(0, HISTOGRAM_BINS_PER_SIGN - 1)
    .toInt();
  const unused = engine.fill(bin.shape, 2 * HISTOGRAM_BINS_PER_SIGN, "int32");
  const index = engine.where(positive, bin, engine.where(negative, bin.add(engine.scalar(HISTOGRAM_BINS_PER_SIGN, "int32")), unused));
  const all = engine.unsortedSegmentSum<tf.Tensor1D>(
    engine.onesLike(bin) as tf.Tensor1D,
    index as tf.Tensor1D,
    2 * HISTOGRAM_BINS_PER_SIGN + 1,
  );
  return { bins: all.slice(0, 2 * HISTOGRAM_BINS_PER_SIGN), scale, offset };
}

/** float32's smallest normal number; backends may flush what is smaller to zero, whose logarithm is -Infinity. */
const SMALLEST_NORMAL = 2 ** -126;
/** Finer than this, float32 cannot tell the buckets of numbers around 1 apart. */
const SCALE_MAX = 7;
