import { expect, test } from "vitest";
import { series } from "./notation.ts";

test.each([
  { text: "1 2.5 -3", values: [1, 2.5, -3] },
  { text: "1+1x3", values: [1, 2, 3, 4] },
  { text: "10-2x2 nan inf -inf", values: [10, 8, 6, Number.NaN, Infinity, -Infinity] },
  { text: "5x2 _ _x1 1e-3", values: [5, 5, 5, undefined, undefined, undefined, 0.001] },
])("$text", ({ text, values }) => {
  expect(series(text)).toEqual(values);
});

test("nonsense is named", () => {
  expect(() => series("1 2y3")).toThrow('"2y3"');
});
