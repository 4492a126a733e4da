// Curves over another metric: nothing is invented, no spike is lost, and what has no place is not drawn.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overMetric } from "../src/chart/over-metric.ts";
import { buckets } from "./buckets.ts";

describe("overMetric", () => {
  test("a bucket stands where the other metric stood at its step", () => {
    const epoch = buckets([
      [0, 0],
      [10, 1],
      [20, 2],
    ]);
    const moved = overMetric(
      buckets([
        [5, 0.5],
        [10, 0.4],
        [25, 0.1],
      ]),
      epoch,
    );
    expect(moved.step).toEqual([0, 1, 2]);
    expect(moved.last).toEqual([0.5, 0.4, 0.1]);
  });

  test("what comes before the other metric, or where that is NaN, has no place", () => {
    const axis = buckets([
      [5, null],
      [8, 1],
    ]);
    const moved = overMetric(
      buckets([
        [1, 1],
        [6, 2],
        [9, 3],
      ]),
      axis,
    );
    expect([moved.step, moved.last]).toEqual([[1], [3]]);
  });

  test("buckets that meet keep every extreme, count and NaN", () => {
    const values = fc.array(fc.oneof(fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.constant(null)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 60, maxLength: 60 }), (drawn, places) => {
        const given = buckets(drawn.map((value, step) => [step, value]));
        const moved = overMetric(given, buckets(places.map((place, step) => [step, place])));
        expect(moved.step).toEqual([...new Set(places.slice(0, drawn.length))].toSorted((a, b) => a - b));
        moved.step.forEach((place, i) => {
          const there = drawn.filter((_value, step) => places[step] === place);
          const finite = there.filter((value) => value !== null);
          expect(moved.count[i]).toBe(there.length);
          expect(moved.nonFinite[i]).toBe(there.length - finite.length);
          expect(moved.min[i]).toBe(finite.length === 0 ? null : Math.min(...finite));
          expect(moved.max[i]).toBe(finite.length === 0 ? null : Math.max(...finite));
          if (finite.length > 0)
            expect(moved.mean[i]).toBeCloseTo(
              finite.reduce((sum, value) => sum + value / finite.length, 0),
              6,
            );
        });
      }),
    );
  });
});
