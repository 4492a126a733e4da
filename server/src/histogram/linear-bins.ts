// From exponential buckets to the linear bins that people look at: each bucket's count is spread over the bins it overlaps,
// in proportion to the overlap. The total is kept. How values lie within a bucket is not known; even is assumed.

import { type ExponentialHistogram, lowerBound, type Side } from "./exponential.ts";

/** `bins` + 1 ascending edges over [min, max]; a single value gets a range around it. */
export function linearEdges(min: number, max: number, bins: number): number[] {
  const spread = max > min ? 0 : Math.abs(min) * 0.5 || 0.5;
  const low = Math.max(-Number.MAX_VALUE, min - spread);
  const high = Math.min(Number.MAX_VALUE, max + spread);
  const edges = [low];
  // Weighted ends, not low + i × width: the width itself may overflow. Rounding must not break the order.
  for (let i = 1; i < bins; i++) edges.push(Math.max(edges[i - 1] as number, low * (1 - i / bins) + high * (i / bins)));
  return [...edges, high];
}

/** Counts by bin. `min` and `max` are of the values themselves: no bucket reaches beyond them. */
export function rebin(histogram: ExponentialHistogram, edges: readonly number[], min: number, max: number): number[] {
  const counts = new Array<number>(edges.length - 1).fill(0);
  const { scale } = histogram;
  if (histogram.zeroCount > 0) spread(counts, edges, histogram.zeroCount, clamp(0, min, max), clamp(0, min, max));
  const spreadSide = ({ offset, counts: buckets }: Side, sign: 1 | -1): void =>
    buckets.forEach((count, i) => {
      if (count === 0) return;
      const near = clamp(sign * lowerBound(scale, offset + i), min, max);
      const far = clamp(sign * lowerBound(scale, offset + i + 1), min, max);
      spread(counts, edges, count, Math.min(near, far), Math.max(near, far));
    });
  spreadSide(histogram.positive, 1);
  spreadSide(histogram.negative, -1);
  return counts;
}

/** Adds `count` over [low, high]; what lies outside the edges goes to the outermost bins. */
function spread(counts: number[], edges: readonly number[], count: number, low: number, high: number): void {
  const first = binOf(edges, low);
  const last = binOf(edges, high);
  let rest = count;
  for (let bin = first; bin < last; bin++) {
    const from = Math.max(low, edges[bin] as number);
    const part = Math.min(rest, count * portion(from, edges[bin + 1] as number, low, high));
    counts[bin] = (counts[bin] as number) + part;
    rest -= part;
  }
  counts[last] = (counts[last] as number) + rest;
}

/** Share of [low, high] that lies in [from, to]. */
function portion(from: number, to: number, low: number, high: number): number {
  const width = high - low;
  return Math.max(0, Number.isFinite(width) ? (to - from) / width : (to / 2 - from / 2) / (high / 2 - low / 2));
}

/** Bin i holds [edges[i], edges[i + 1]), the last one its end as well. */
function binOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] as number) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
