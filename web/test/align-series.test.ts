// Buckets of several series on one axis: nothing is moved, nothing is drawn over a NaN.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alignSeries, isolatedPoints, nonFiniteMarks } from "../src/chart/align-series.ts";
import { describeChart } from "../src/chart/describe-chart.ts";
import { readoutAt } from "../src/chart/readout.ts";
import { buckets } from "./buckets.ts";

const drawnSeries = fc.uniqueArray(fc.nat(200), { maxLength: 40 }).chain((steps) =>
  fc
    .array(fc.oneof(fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.constant(null)), {
      minLength: steps.length,
      maxLength: steps.length,
    })
    .map((values) => {
      const sorted = steps.toSorted((a, b) => a - b);
      return buckets(sorted.map((step, i) => [step, values[i] ?? null]));
    }),
);

describe("alignSeries", () => {
  test("every bucket keeps its step and value; other steps are undefined, buckets without a finite value null", () => {
    fc.assert(
      fc.property(fc.array(drawnSeries, { minLength: 1, maxLength: 5 }), (all) => {
        const { steps, series } = alignSeries(all);
        expect(steps).toEqual([...new Set(all.flatMap(({ step }) => step))].sort((a, b) => a - b));
        all.forEach((given, s) => {
          steps.forEach((step, i) => {
            const at = given.step.indexOf(step);
            for (const part of ["mean", "min", "max"] as const) expect(series[s]?.[part][i]).toBe(at < 0 ? undefined : given[part][at]);
          });
        });
      }),
    );
  });

  test("a bucket with a NaN is a mark, also where other points of it are finite", () => {
    const given = buckets([
      [0, 1],
      [10, null],
      [20, 3],
    ]);
    given.nonFinite[2] = 4;
    expect(nonFiniteMarks(given)).toEqual([
      { step: 10, count: 1 },
      { step: 20, count: 4 },
    ]);
  });
});

test.each([
  { column: [1], lone: [0] },
  { column: [1, 2], lone: [] },
  { column: [null, 1, null, 2, 3], lone: [1] },
  { column: [1, undefined, 2], lone: [] },
  { column: [1, undefined, null, undefined, 2], lone: [0, 4] },
])("of $column, the points that no line reaches are $lone", ({ column, lone }) => {
  expect(isolatedPoints(column)).toEqual(lone);
});

test("a chart in words tells points, steps, extremes and the first NaN", () => {
  const given = buckets([
    [0, 2],
    [5, null],
    [9, 1],
  ]);
  expect(describeChart("loss", [{ label: "", buckets: given }])).toBe(
    "loss: 3 points from step 0 to 9, last 1, lowest 1, highest 2, 1 not finite, the first from step 5.",
  );
  expect(describeChart("loss", [{ label: "run a", buckets: buckets([]) }])).toBe("loss: no points yet.");
});

test("the words at the cursor are of the lines that have a bucket there", () => {
  const lines = [
    { label: "a", color: "red", buckets: buckets([[5, 0.25]]) },
    { label: "b", color: "blue", buckets: buckets([[6, 1]]) },
  ];
  const rows = readoutAt(5, lines, [{ step: 5, level: "high", title: "Boom" }], (line) => (line === 0 ? 0.25 : undefined));
  expect(rows.map(({ text }) => text)).toEqual(["step 5", "a: 0.25", "▲ Boom (from step 5)"]);
});
