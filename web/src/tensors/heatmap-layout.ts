// Geometry and colours of the layer × step heatmap. A cell with a NaN or Inf element is never given a colour of the scale,
// whatever its finite part says; a cell without data stays empty.

import type { Float, TensorMatrix } from "@gradwatch/server/api-types";
import { linearScale, logScale, type Scale } from "../chart/color.ts";

export type Cell = { readonly kind: "empty" } | { readonly kind: "non-finite" } | { readonly kind: "value"; readonly share: number };

export interface HeatmapLayout {
  readonly scale: Scale;
  readonly logarithmic: boolean;
  /** cells[row][column] */
  readonly cells: readonly (readonly Cell[])[];
  readonly nonFinite: number;
}

/** Statistics that are never negative and span orders of magnitude. */
const LOGARITHMIC = new Set(["norm", "std", "non-finite"]);

export function layOutHeatmap({ statistic, rows }: TensorMatrix): HeatmapLayout {
  const logarithmic = LOGARITHMIC.has(statistic);
  const finite = rows.flatMap(({ values }) => values.filter((value): value is number => typeof value === "number"));
  const scale = logarithmic ? logScale(finite) : linearScale(finite);
  const cells = rows.map(({ values, nonFinite }) => values.map((value, column) => cellOf(value, nonFinite[column] ?? 0, scale)));
  return { scale, logarithmic, cells, nonFinite: cells.flat().filter(({ kind }) => kind === "non-finite").length };
}

function cellOf(value: Float | null, nonFinite: number, scale: Scale): Cell {
  if (nonFinite > 0 || typeof value === "string") return { kind: "non-finite" };
  return value === null ? { kind: "empty" } : { kind: "value", share: scale.shareOf(value) };
}

/** The cell under a point of the picture; undefined outside. */
export function cellAt(
  x: number,
  y: number,
  width: number,
  rowHeight: number,
  rows: number,
  columns: number,
): { row: number; column: number } | undefined {
  const row = Math.floor(y / rowHeight);
  // The inverse of columnSpan.
  const column = Math.ceil(((Math.floor(x) + 1) * columns) / width) - 1;
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : undefined;
}

/** Left edge and width of a column in whole device pixels, so that neighbours touch without a seam. */
export function columnSpan(column: number, columns: number, width: number): readonly [number, number] {
  const left = Math.floor((column * width) / columns);
  return [left, Math.max(1, Math.floor(((column + 1) * width) / columns) - left)];
}
