// A tensor in a few hundred bytes: counts of its elements, moments over the finite ones, and a histogram. Two passes over
// the values, nothing kept.

import { buildHistogram } from "./exponential-histogram.ts";
import { float32Moments, type Moments } from "./summarize-float32.ts";
import type { TensorSummaryValues } from "./types.ts";

/** Summarises all elements of `values`, in any order. Field meanings: proto `TensorSummary`. */
export function summarize(values: ArrayLike<number>): TensorSummaryValues {
  const { smallest, min, max, ...moments } = values instanceof Float32Array ? float32Moments(values) : plainMoments(values);
  const { zero, negative, positive } = moments;
  const largest = Math.max(max, -min, 0);
  return {
    count: values.length,
    ...moments,
    // Both zeros are one extreme.
    ...(zero + negative + positive > 0 ? { min: min + 0, max: max + 0 } : {}),
    histogram: buildHistogram(values, smallest, largest, negative > 0 && positive > 0 ? 2 : 1, zero),
  };
}

function plainMoments(values: ArrayLike<number>): Moments {
  const count = values.length;
  let nan = 0;
  let positiveInfinity = 0;
  let negativeInfinity = 0;
  let negative = 0;
  let positive = 0;
  let min = Infinity;
  let max = -Infinity;
  let smallest = Infinity;
  let sum = 0;
  let sumSquares = 0;
  let sumAbsolute = 0;
  for (let i = 0; i < count; i++) {
    const x = values[i] as number;
    const magnitude = Math.abs(x);
    if (magnitude < Infinity) {
      sum += x;
      sumSquares += x * x;
      sumAbsolute += magnitude;
      if (x < min) min = x;
      if (x > max) max = x;
      if (x > 0) positive++;
      else if (x < 0) negative++;
      if (magnitude < smallest && magnitude > 0) smallest = magnitude;
    } else if (x === Infinity) positiveInfinity++;
    else if (x === -Infinity) negativeInfinity++;
    else nan++;
  }
  const zero = count - nan - positiveInfinity - negativeInfinity - negative - positive;
  return { nan, positiveInfinity, negativeInfinity, zero, negative, positive, min, max, smallest, sum, sumSquares, sumAbsolute };
}
