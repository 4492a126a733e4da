// Puts the buckets of several series on one x axis, as uPlot wants them. Where a series has no bucket at a step of
// another, it gets `undefined`, over which its line goes on; where its bucket has no finite value, `null`, which breaks
// the line: a NaN is never drawn over.

import type { Buckets } from "@gradwatch/server/api-types";

export type Column = (number | null | undefined)[];

export interface AlignedSeries {
  readonly mean: Column;
  readonly min: Column;
  readonly max: Column;
}

export interface NonFiniteMark {
  readonly step: number;
  /** Points in the bucket that are NaN or infinite. */
  readonly count: number;
}

export interface Aligned {
  /** Ascending, without repetition. */
  readonly steps: number[];
  readonly series: readonly AlignedSeries[];
  readonly marks: readonly (readonly NonFiniteMark[])[];
}

export function alignSeries(all: readonly Buckets[]): Aligned {
  const steps = [...new Set(all.flatMap((buckets) => buckets.step))].sort((a, b) => a - b);
  const position = new Map(steps.map((step, i) => [step, i]));
  return {
    steps,
    series: all.map((buckets) => ({
      mean: place(steps.length, position, buckets.step, buckets.mean),
      min: place(steps.length, position, buckets.step, buckets.min),
      max: place(steps.length, position, buckets.step, buckets.max),
    })),
    marks: all.map(nonFiniteMarks),
  };
}

function place(
  length: number,
  position: ReadonlyMap<number, number>,
  steps: readonly number[],
  values: readonly (number | null)[],
): Column {
  const column: Column = Array.from({ length });
  steps.forEach((step, i) => {
    column[position.get(step) as number] = values[i] ?? null;
  });
  return column;
}

export function nonFiniteMarks(buckets: Buckets): NonFiniteMark[] {
  return buckets.step.flatMap((step, i) => {
    const count = buckets.nonFinite[i] ?? 0;
    return count > 0 ? [{ step, count }] : [];
  });
}

/** Indices of values without a neighbour to draw a line to: alone, or between values that are not finite. */
export function isolatedPoints(column: Column): number[] {
  const present = column.flatMap((value, i) => (value === undefined ? [] : [{ value, i }]));
  return present
    .filter(({ value }, k) => value !== null && (present[k - 1]?.value ?? null) === null && (present[k + 1]?.value ?? null) === null)
    .map(({ i }) => i);
}

/** Whether a bucket holds several points, so that mean and extremes differ and a band is worth drawing. */
export const isBucketed = (buckets: Buckets): boolean => buckets.count.some((count) => count > 1);
