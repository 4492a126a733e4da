// The arithmetic of signals: shares of time steps, confusions, statistics by kind, text on colours.

import type { TensorUnits } from "@gradwatch/server/api-types";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { textOn, viridis } from "../src/chart/color.ts";
import { rowHeightOf } from "../src/chart/cells.ts";
import { emphasis, layOutConfusion } from "../src/classes/confusion-layout.ts";
import { formatShare } from "../src/format.ts";
import { kindsOf, statisticOf, statisticsOf } from "../src/tensors/statistics.ts";
import { layOutUnits, sharesOf } from "../src/tensors/unit-layout.ts";

describe("the share of a time step", () => {
  test("is mean² + std² over the sum of all, whatever is missing", () => {
    expect(sharesOf({ means: [1, 3], stds: [2, 0] })).toEqual([5 / 14, 9 / 14]);
    expect(sharesOf({ means: [1, null, 3], stds: [null, null, null] })).toEqual([0.1, null, 0.9]);
    expect(sharesOf({ means: [0, 0], stds: [0, 0] })).toEqual([null, null]);
  });

  test("adds up to the whole", () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1 }), (pairs) => {
        const shares = sharesOf({ means: pairs.map(([mean]) => mean), stds: pairs.map(([, std]) => Math.abs(std)) });
        if (shares[0] === null) return;
        expect(shares.reduce<number>((sum, share) => sum + (share ?? 0), 0)).toBeCloseTo(1, 9);
      }),
    );
  });

  test("has a row each; a unit that a step lacks is an empty cell", () => {
    const units = {
      units: 2,
      columns: [
        { step: 0, means: [1], stds: [0] },
        { step: 1, means: [1, 100], stds: [0, 0] },
      ],
    } as unknown as TensorUnits;
    const { cells, logarithmic } = layOutUnits(units, "share");
    expect(cells.map((row) => row.map(({ kind }) => kind))).toEqual([
      ["value", "value"],
      ["empty", "value"],
    ]);
    expect(logarithmic).toBe(true);
    expect(layOutUnits(units, "mean").logarithmic).toBe(false);
  });
});

test("a confusion in numbers: shares of each label, what is right, and the worst mistake", () => {
  const { shares, samples, right, worst } = layOutConfusion([
    [8, 2, 0],
    [0, 0, 0],
    [5, 0, 15],
  ]);
  expect(shares).toEqual([
    [0.8, 0.2, 0],
    [null, null, null],
    [0.25, 0, 0.75],
  ]);
  expect({ samples, right }).toEqual({ samples: 30, right: 23 });
  expect(worst).toEqual({ label: 2, prediction: 0, count: 5, share: 0.25 });
  expect(
    layOutConfusion([
      [3, 0],
      [0, 4],
    ]).worst,
  ).toBeUndefined();
  expect(emphasis(0.01)).toBe(0.1);
});

describe("statistics", () => {
  test("what a kind cannot have is not kept when the kind changes", () => {
    expect(statisticOf("update", undefined)).toBe("ratio");
    expect(statisticOf("activation", undefined)).toBe("dead-unit-share");
    expect(statisticOf("weight", "ratio")).toBe("norm");
    expect(statisticOf("gradient", "ratio")).toBe("ratio");
    expect(statisticsOf("label")).not.toContain("dead-unit-share");
  });

  test("kinds come in the usual order, each once", () => {
    const tensors = ["custom", "input", "weight", "gradient", "input"].map((kind) => ({ kind })) as unknown as Parameters<
      typeof kindsOf
    >[0];
    expect(kindsOf(tensors)).toEqual(["gradient", "weight", "input", "custom"]);
  });
});

test("text on any colour of the scale reaches 4.5:1", () => {
  const luminance = (rgb: readonly number[]): number => {
    const [red, green, blue] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4)) as [
      number,
      number,
      number,
    ];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
      const background = luminance(viridis(share));
      const contrast = textOn(viridis(share)) === "#000000" ? (background + 0.05) / 0.05 : 1.05 / (background + 0.05);
      expect(contrast).toBeGreaterThanOrEqual(4.5);
    }),
  );
});

test.each([
  [0.3, "30 %"],
  [1, "100 %"],
  [0.00012345, "0.0123 %"],
  [1e-12, "1.00e-10 %"],
  [null, "–"],
])("the share %d is %s", (share, text) => {
  expect(formatShare(share)).toBe(text);
});

test("many rows share the height that there is, few keep theirs", () => {
  expect(rowHeightOf(6)).toBe(20);
  expect(rowHeightOf(64) * 64).toBeLessThanOrEqual(384);
  expect(rowHeightOf(10_000)).toBe(1);
});
