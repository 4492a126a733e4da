// Merging histograms is exact and in any order; linear bins keep every count.

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  emptyHistogram,
  type ExponentialHistogram,
  lowerBound,
  lowerScale,
  merge,
  type Side,
  totalCount,
} from "../../src/histogram/exponential.ts";
import { linearEdges, rebin } from "../../src/histogram/linear-bins.ts";
import { addSummaries, emptySummary, moments, type Summary } from "../../src/histogram/tensor-summary.ts";

const side: fc.Arbitrary<Side> = fc.record({
  offset: fc.integer({ min: -300, max: 300 }),
  counts: fc.array(fc.integer({ min: 0, max: 1_000_000 }), { maxLength: 40 }),
});
const histogram: fc.Arbitrary<ExponentialHistogram> = fc.record({
  scale: fc.integer({ min: -4, max: 20 }),
  zeroThreshold: fc.constantFrom(0, 1e-12, 1e-6),
  zeroCount: fc.integer({ min: 0, max: 1000 }),
  positive: side,
  negative: side,
});

/** The one form that equal contents have. */
const normal = (one: ExponentialHistogram): ExponentialHistogram => merge(one, { ...emptyHistogram, scale: one.scale });

test("merging is commutative, associative and keeps every count", () => {
  fc.assert(
    fc.property(histogram, histogram, histogram, (a, b, c) => {
      expect(merge(a, b)).toEqual(merge(b, a));
      expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
      expect(totalCount(merge(a, b))).toBe(totalCount(a) + totalCount(b));
    }),
  );
});

test("the empty histogram changes nothing", () => {
  fc.assert(
    fc.property(histogram, (a) => {
      expect(merge(a, emptyHistogram)).toEqual(normal(a));
    }),
  );
});

test("a merge is what one histogram of all the values would have been", () => {
  const values = fc.array(fc.double({ min: 1e-30, max: 1e30, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(values, values, fc.integer({ min: -2, max: 6 }), fc.integer({ min: -2, max: 6 }), (x, y, scaleX, scaleY) => {
      const scale = Math.min(scaleX, scaleY);
      expect(merge(histogramOf(x, scaleX), histogramOf(y, scaleY))).toEqual(normal(lowerScale(histogramOf([...x, ...y], 6), scale)));
    }),
  );
});

test("lowering the scale in steps or at once is the same", () => {
  fc.assert(
    fc.property(histogram, fc.nat({ max: 5 }), fc.nat({ max: 5 }), (a, first, second) => {
      expect(lowerScale(lowerScale(a, a.scale - first), a.scale - first - second)).toEqual(lowerScale(a, a.scale - first - second));
    }),
  );
  expect(() => lowerScale({ ...emptyHistogram, scale: 3 }, 4)).toThrow("scale 3 cannot be refined to 4");
});

test("linear bins keep the total, whatever the range", () => {
  const bound = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(histogram, bound, bound, fc.integer({ min: 1, max: 100 }), (a, x, y, bins) => {
      const [min, max] = [Math.min(x, y), Math.max(x, y)];
      const edges = linearEdges(min, max, bins);
      expect(edges).toHaveLength(bins + 1);
      edges.forEach((edge, i) => expect(edge).toBeGreaterThanOrEqual(edges[Math.max(0, i - 1)] as number));
      const counts = rebin(a, edges, min, max);
      expect(counts.every((count) => count >= 0)).toBe(true);
      const total = totalCount(a);
      expect(Math.abs(counts.reduce((sum, count) => sum + count, 0) - total)).toBeLessThanOrEqual(1e-9 * Math.max(1, total));
    }),
  );
});

test("values fall into the bins they belong to, up to a bucket's width", () => {
  const edges = linearEdges(-4, 4, 8);
  expect(edges).toEqual([-4, -3, -2, -1, 0, 1, 2, 3, 4]);
  const counts = rebin(histogramOf([3.5, 3.5, 0.5], 20, [3.5], 2), edges, -4, 4);
  expect(counts.map((count) => Math.round(count * 1000) / 1000)).toEqual([1, 0, 0, 0, 3, 0, 0, 2]);
});

test("a bucket is split in proportion to the bins it overlaps, within the range of the values", () => {
  // One bucket (1, 4] at scale -1.
  const one: ExponentialHistogram = { ...emptyHistogram, scale: -1, positive: { offset: 0, counts: [6] } };
  expect(rebin(one, [1, 2, 3, 4], 1, 4)).toEqual([2, 2, 2]);
  expect(rebin(one, [1, 2, 3, 4], 1, 3)).toEqual([3, 3, 0]);
});

test("the moments of merged summaries are those of all the values", () => {
  const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(values, values, (x, y) => {
      const all = [...x, ...y];
      const merged = addSummaries(summaryOf(x), summaryOf(y));
      const { mean, norm } = moments(merged);
      expect(merged.min).toBe(Math.min(...all));
      expect(merged.max).toBe(Math.max(...all));
      expect(mean).toBeCloseTo(
        all.reduce((sum, value) => sum + value / all.length, 0),
        3,
      );
      expect(norm).toBeCloseTo(Math.hypot(...all), 3);
    }),
  );
  expect(moments({ ...emptySummary, elements: 3, nonFinite: 3 })).toEqual({ mean: null, std: null, norm: null });
});

const indexOf = (value: number, scale: number): number => {
  let index = Math.ceil(Math.log2(value) * 2 ** scale) - 1;
  while (lowerBound(scale, index) >= value) index--;
  while (lowerBound(scale, index + 1) < value) index++;
  return index;
};

/** From positive values, and absolute values of negative ones. */
function histogramOf(positive: readonly number[], scale: number, negative: readonly number[] = [], zeroCount = 0): ExponentialHistogram {
  const sideOf = (values: readonly number[]): Side => {
    if (values.length === 0) return { offset: 0, counts: [] };
    const indices = values.map((value) => indexOf(value, scale));
    const offset = Math.min(...indices);
    const counts = new Array<number>(Math.max(...indices) - offset + 1).fill(0);
    for (const index of indices) counts[index - offset] = (counts[index - offset] as number) + 1;
    return { offset, counts };
  };
  return { scale, zeroThreshold: 0, zeroCount, positive: sideOf(positive), negative: sideOf(negative) };
}

const summaryOf = (values: readonly number[]): Summary => ({
  ...emptySummary,
  elements: values.length,
  min: Math.min(...values),
  max: Math.max(...values),
  total: values.reduce((sum, value) => sum + value, 0),
  totalSquares: values.reduce((sum, value) => sum + value * value, 0),
});
