// The page's arithmetic: addresses, numbers in words, scales, geometry.

import type { Run, TensorMatrix } from "@gradwatch/server/api-types";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { layOutEvidence } from "../src/alerts/evidence-layout.ts";
import { cellAt, columnSpan } from "../src/chart/cells.ts";
import { lineColor, linearScale, logScale, viridis } from "../src/chart/color.ts";
import { groupMetrics } from "../src/chart/group-metrics.ts";
import { linearRange, logRange, logTicks, usualScale } from "../src/chart/y-range.ts";
import { configDifferences } from "../src/compare/config-differences.ts";
import { formatAge, formatDuration, formatNumber } from "../src/format.ts";
import { compareHref, parseRoute, runHref } from "../src/routes.ts";
import { lossOf } from "../src/runs/run-columns.ts";
import { layOutHeatmap } from "../src/tensors/heatmap-layout.ts";
import { thin } from "../src/tensors/histogram-layout.ts";

describe("addresses", () => {
  const name = fc.string({ minLength: 1, unit: "binary" }).filter((text) => text.isWellFormed() && text !== "." && text !== "..");

  test("of runs and comparisons come back, whatever the names hold", () => {
    fc.assert(
      fc.property(name, name, name, (project, run, other) => {
        expect(parseRoute(runHref({ project, run }), "")).toEqual({ page: "run", ref: { project, run } });
        const refs = [
          { project, run },
          { project, run: other },
        ];
        const [path, search] = compareHref(refs).split("?");
        expect(parseRoute(path as string, `?${search}`)).toEqual({ page: "compare", refs });
      }),
    );
  });

  test.each(["/nowhere", "/projects/p", "/projects/p/runs", "/projects/p/runs/r/more"])("%s is no page", (path) => {
    expect(parseRoute(path, "").page).toBe("unknown");
  });

  test("a malformed escape stands for itself", () => {
    expect(parseRoute("/projects/50%/runs/r", "")).toEqual({ page: "run", ref: { project: "50%", run: "r" } });
  });
});

describe("numbers in words", () => {
  test.each([
    [0, "0"],
    [0.30000000000000004, "0.3"],
    [-12.3456, "−12.35"],
    [1_234_567, "1.23e6"],
    [0.00001234, "1.23e-5"],
    [Number.NaN, "NaN"],
    ["Infinity", "+Inf"],
    ["-Infinity", "−Inf"],
    [null, "–"],
  ] as const)("%s is %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  test.each([
    [400, "0 s"],
    [59_000, "59 s"],
    [61_000, "1 min 1 s"],
    [7_500_000, "2 h 5 min"],
    [90_000_000, "1 d 1 h"],
    [86_400_000, "1 d"],
  ])("%i ms is %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  test("an age has one unit", () => {
    expect(formatAge(0, 3_000)).toBe("just now");
    expect(formatAge(0, 7_500_000)).toBe("2 h ago");
  });
});

describe("axes", () => {
  const positive = fc.double({ min: 1e-300, max: 1e300, noNaN: true });

  test("hold what they show, with room", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.double({ noNaN: true, noDefaultInfinity: true }), (a, b) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)];
        const [low, high] = linearRange(min, max);
        expect(low).toBeLessThanOrEqual(min);
        expect(high).toBeGreaterThanOrEqual(max);
        expect(high).toBeGreaterThan(low);
      }),
    );
    fc.assert(
      fc.property(positive, positive, (a, b) => {
        const [low, high] = logRange(Math.min(a, b), Math.max(a, b));
        expect(low).toBeLessThan(Math.min(a, b));
        expect(high).toBeGreaterThan(Math.max(a, b));
      }),
    );
  });

  test("a constant with rounding is a flat line", () => {
    const [low, high] = linearRange(0.2, 0.2 + 1e-16);
    expect(high - low).toBeGreaterThan(0.01);
  });

  test("logarithmic ticks are few, rising, and inside", () => {
    fc.assert(
      fc.property(positive, fc.double({ min: 1.5, max: 1e100, noNaN: true }), (min, factor) => {
        const max = Math.min(min * factor, 1e305);
        const ticks = logTicks(min, max);
        expect(ticks.length).toBeLessThanOrEqual(12);
        expect(ticks).toEqual([...new Set(ticks)].sort((a, b) => a - b));
        for (const tick of ticks) expect(tick >= min && tick <= max).toBe(true);
      }),
    );
  });

  test("an explosion is shown on a logarithmic axis at first, ordinary losses and signed values are not", () => {
    expect(usualScale([2, 1, null, 1e9])).toBe("log");
    expect(usualScale([2.3, 0.01])).toBe("linear");
    expect(usualScale([1e9, -1])).toBe("linear");
    expect(usualScale([undefined, null])).toBe("linear");
  });
});

describe("colours", () => {
  test("a scale maps its ends to 0 and 1 and never leaves them", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1e-20, max: 1e20, noNaN: true }), { minLength: 1 }),
        fc.double({ noNaN: true }),
        (values, any) => {
          for (const scale of [logScale(values), linearScale(values)]) {
            expect(scale.shareOf(any)).toBeGreaterThanOrEqual(0);
            expect(scale.shareOf(any)).toBeLessThanOrEqual(1);
            expect(scale.min).toBeLessThanOrEqual(scale.max);
          }
        },
      ),
    );
  });

  test("one explosion does not wash out the other layers", () => {
    const scale = logScale([0.01, 0.02, 0.05, 0.1, 0.2, 1e17]);
    expect(scale.shareOf(0.2) - scale.shareOf(0.01)).toBeGreaterThan(0.2);
  });

  test("viridis begins dark and ends bright", () => {
    expect(viridis(0)).toEqual([68, 1, 84]);
    expect(viridis(1)).toEqual([253, 231, 37]);
  });

  test("more runs than colours start again", () => {
    expect(lineColor(8, "light")).toBe(lineColor(0, "light"));
  });
});

describe("heatmap", () => {
  const matrix = (values: TensorMatrix["rows"][number]["values"], nonFinite: number[]): TensorMatrix =>
    ({
      statistic: "norm",
      steps: values.map((_value, i) => i),
      rows: [{ tensor: { name: "w" }, values, nonFinite }],
      asOf: 0,
    }) as unknown as TensorMatrix;

  test("a cell with a NaN element never has a colour of the scale", () => {
    const { cells, nonFinite } = layOutHeatmap(matrix([1, 10, null, "NaN", 100], [0, 3, 0, 5, 0]));
    expect(cells[0]?.map(({ kind }) => kind)).toEqual(["value", "non-finite", "empty", "non-finite", "value"]);
    expect(nonFinite).toBe(2);
  });

  test("columns touch without a seam, and every pixel belongs to the cell that covers it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 2_000 }), (columns, width) => {
        let end = 0;
        for (let column = 0; column < columns; column++) {
          const [left, span] = columnSpan(column, columns, width);
          expect(left).toBe(end);
          end = left + span;
          for (const x of [left, left + span - 0.01]) expect(cellAt(x, 10, width, 20, 1, columns)).toEqual({ row: 0, column });
        }
        expect(end).toBe(width);
      }),
    );
  });
});

test("thinning keeps the first and the last", () => {
  const items = Array.from({ length: 100 }, (_none, i) => i);
  expect(thin(items, 5)).toEqual([0, 25, 50, 74, 99]);
  expect(thin(items, 200)).toHaveLength(100);
});

test("metrics are grouped by prefix, losses first", () => {
  expect(
    groupMetrics(["val/acc", "lr", "train/loss", "train/acc", "val/loss", "a/b/c"]).map(({ name, metrics }) => [name, ...metrics]),
  ).toEqual([
    ["train", "train/loss", "train/acc"],
    ["val", "val/loss", "val/acc"],
    ["", "lr"],
    ["a/b", "a/b/c"],
  ]);
});

test("only what differs between configurations is listed", () => {
  expect(configDifferences([{ lr: 0.1, seed: 1 }, { lr: 0.2, seed: 1 }, { seed: 1 }])).toEqual([
    { key: "lr", values: ["0.1", "0.2", "–"] },
  ]);
});

describe("the runs table", () => {
  const run = (name: string, loss: number | "NaN" | undefined, startedAt = 0): Run =>
    ({
      run: name,
      name,
      project: "p",
      state: "running",
      createdAt: startedAt,
      endedAt: null,
      stepMax: null,
      incidents: { firing: 0, total: 0, worst: null },
      summary: loss === undefined ? {} : { "train/loss": loss },
    }) as unknown as Run;

  test("the loss is found by its common names", () => {
    expect(lossOf(run("a", 0.5))).toBe(0.5);
    expect(lossOf({ ...run("a", undefined), summary: { "stage2/my_loss": 3 } })).toBe(3);
  });
});

test("the picture of an alert breaks its line at a NaN, and marks it and the onset", () => {
  const { path, nonFinite, onset, logarithmic } = layOutEvidence({ series: "loss", steps: [0, 1, 2, 3], values: [1, 2, "NaN", 3] }, 2, 3);
  expect(path.match(/M/g)).toHaveLength(2);
  expect(nonFinite).toHaveLength(1);
  expect(onset).toBeCloseTo(nonFinite[0] ?? 0, 5);
  expect(logarithmic).toBe(false);
});
