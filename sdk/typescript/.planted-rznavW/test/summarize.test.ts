// Tensor summaries against a plain recomputation, for tensors of every shape of distribution.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { summarize } from "../src/summarize.ts";
import type { BucketCounts } from "../src/index.ts";

const element = fc.oneof(
  fc.double(),
  fc.double({ min: -10, max: 10, noNaN: true }),
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 5e-324, -5e-324, Number.MAX_VALUE, 1, 2, -4, 2 ** -1022),
  fc.integer({ min: -1022, max: 1023 }).map((exponent) => 2 ** exponent),
);
const tensor = fc.array(element, { maxLength: 200 });

const total = ({ counts }: BucketCounts): number => Array.from(counts).reduce((sum, count) => sum + count, 0);

describe("a summary", () => {
  test("counts every element once, by its kind", () => {
    fc.assert(
      fc.property(tensor, (values) => {
        const finite = values.filter(Number.isFinite);
        const summary = summarize(values);
        // Both zeros are one extreme.
        expect({ ...summary, min: (summary.min ?? 0) + 0, max: (summary.max ?? 0) + 0 }).toMatchObject({
          count: values.length,
          nan: values.filter(Number.isNaN).length,
          positiveInfinity: values.filter((value) => value === Infinity).length,
          negativeInfinity: values.filter((value) => value === -Infinity).length,
          zero: finite.filter((value) => value === 0).length,
          negative: finite.filter((value) => value < 0).length,
          positive: finite.filter((value) => value > 0).length,
          ...(finite.length === 0
            ? {}
            : { min: finite.reduce((a, b) => Math.min(a, b)) + 0, max: finite.reduce((a, b) => Math.max(a, b)) + 0 }),
        });
      }),
    );
  });

  test("has the moments of the finite elements", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { maxLength: 200 }), (values) => {
        const { sum, sumSquares, sumAbsolute } = summarize([...values, Number.NaN, Infinity]);
        expect(sum).toBeCloseTo(
          values.reduce((a, b) => a + b, 0),
          4,
        );
        expect(sumSquares).toBe(values.reduce((a, b) => a + b * b, 0));
        expect(sumAbsolute).toBeCloseTo(
          values.reduce((a, b) => a + Math.abs(b), 0),
          4,
        );
      }),
    );
  });

  test("has a histogram that holds every finite element in its own bucket, in at most 160 buckets", () => {
    fc.assert(
      fc.property(tensor, (values) => {
        const { histogram, positive, negative, zero } = summarize(values);
        if (histogram === undefined) throw new Error("no histogram");
        const { scale, zeroThreshold, zeroCount } = histogram;
        expect(histogram.positive.counts.length + histogram.negative.counts.length).toBeLessThanOrEqual(160);
        expect(total(histogram.positive) + total(histogram.negative) + zeroCount).toBe(positive + negative + zero);
        const counted = (sign: 1 | -1): Map<number, number> => {
          const found = new Map<number, number>();
          for (const value of values) {
            const size = value * sign;
            if (!(size > zeroThreshold) || size === Infinity) continue;
            // The bucket by its definition, away from edges where the logarithm itself rounds.
            const exact = Math.log2(size) * 2 ** scale;
            const index = Number.isInteger(Math.log2(size)) ? Math.round(exact) - 1 : Math.ceil(exact) - 1;
            found.set(index, (found.get(index) ?? 0) + 1);
          }
          return found;
        };
        for (const [side, sign] of [
          [histogram.positive, 1],
          [histogram.negative, -1],
        ] as const) {
          for (const [index, count] of counted(sign)) {
            const near = [-1, 0, 1].map((d) => side.counts[index + d - side.offset] ?? 0);
            expect(near.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(count);
          }
        }
      }),
    );
  });

  test.each([{ values: [] }, { values: [Number.NaN] }, { values: [0, -0] }])(
    "of $values has no extremes or empty buckets that lie",
    ({ values }) => {
      const summary = summarize(values);
      expect(summary.count).toBe(values.length);
      expect(total(summary.histogram?.positive ?? { offset: 0, counts: [] })).toBe(0);
    },
  );

  const bits = fc.oneof(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    // Around 1, where edges of buckets lie close together.
    fc.integer({ min: 0x3f000000, max: 0x40000000 }),
    fc.integer({ min: 0x3f7ffff0, max: 0x3f800010 }),
    fc.constantFrom(0, -(2 ** 31), 1, 0x007fffff, 0x00800000, 0x7f7fffff, 0x7f800000, 0x7fc00000, 0x3f800000, 0x40000000),
  );

  test("of float32 by the bits is the one by the values", () => {
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 100 }), (drawn) => {
        const values = new Float32Array(Int32Array.from(drawn).buffer);
        expect(summarize(values)).toEqual(summarize(Array.from(values)));
      }),
      { numRuns: 3_000 },
    );
  });

  test("of float32 keeps every edge of every scale on its side", () => {
    for (let scale = 1; scale <= 7; scale++) {
      const edges = Array.from({ length: 2 ** scale + 1 }, (_none, i) => Math.fround(2 ** (i / 2 ** scale)));
      const near = edges.flatMap((edge) => [edge - 2 ** -23, edge, edge + 2 ** -23]).map(Math.fround);
      // The second value sets how many octaves there are, and so the scale.
      const values = Float32Array.from([...near, 2 ** Math.max(1, Math.floor(160 / 2 ** scale) - 3)]);
      expect(summarize(values)).toEqual(summarize(Array.from(values)));
    }
  });

  test("takes any typed array", () => {
    for (const values of [Float32Array.of(1, -2), Int8Array.of(1, -2), [1, -2], Float64Array.of(1, -2)]) {
      expect(summarize(values)).toMatchObject({ count: 2, sum: -1, sumSquares: 5, min: -2, max: 1 });
    }
  });
});
