// The histogram as backends compute it (a fixed number of bins a sign from one offset) in the shape of an exponential
// histogram: empty ends are cut off.

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
