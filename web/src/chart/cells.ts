// Cells of a heatmap: what one holds, and where it lies. A cell with a NaN or Inf element is never given a colour of the
// scale, whatever its finite part says; a cell without data stays empty.

import type { Float } from "@gradwatch/server/api-types";
import type { Scale } from "./color.ts";

export type Cell = { readonly kind: "empty" } | { readonly kind: "non-finite" } | { readonly kind: "value"; readonly share: number };

/** cells[row][column] */
export type Cells = readonly (readonly Cell[])[];

export function cellOf(value: Float | null, scale: Scale, nonFinite = 0): Cell {
  if (nonFinite > 0 || typeof value === "string") return { kind: "non-finite" };
  return value === null ? { kind: "empty" } : { kind: "value", share: scale.shareOf(value) };
}

/** CSS pixels. */
export const ROW_HEIGHT = 20;
/** CSS pixels that a heatmap of many rows may take. */
const HEIGHT_MAX = 384;

/** How high each of many rows is. */
export const rowHeightOf = (rows: number): number => Math.max(1, Math.min(ROW_HEIGHT, Math.floor(HEIGHT_MAX / Math.max(rows, 1))));

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
