// Summaries of tensors as numbers that can be added: over the pieces of a tensor, and over steps. Merging is exact: the
// result is what one summary of all the elements would have been.

import { emptyHistogram, type ExponentialHistogram, merge } from "./exponential.ts";

export interface Summary {
  readonly elements: number;
  readonly nonFinite: number;
  readonly zero: number;
  /** Over the finite elements; null where there is none. */
  readonly min: number | null;
  readonly max: number | null;
  readonly total: number;
  readonly totalSquares: number;
  /** Of the summaries that came with one. */
  readonly histogram: ExponentialHistogram;
}

export const emptySummary: Summary = {
  elements: 0,
  nonFinite: 0,
  zero: 0,
  min: null,
  max: null,
  total: 0,
  totalSquares: 0,
  histogram: emptyHistogram,
};

export const addSummaries = (a: Summary, b: Summary): Summary => ({
  elements: a.elements + b.elements,
  nonFinite: a.nonFinite + b.nonFinite,
  zero: a.zero + b.zero,
  min: a.min === null || b.min === null ? (a.min ?? b.min) : Math.min(a.min, b.min),
  max: a.max === null || b.max === null ? (a.max ?? b.max) : Math.max(a.max, b.max),
  total: a.total + b.total,
  totalSquares: a.totalSquares + b.totalSquares,
  histogram: merge(a.histogram, b.histogram),
});

export interface Moments {
  readonly mean: number | null;
  readonly std: number | null;
  /** L2. */
  readonly norm: number | null;
}

/** Null where no element is finite, or where the sums left the range of float64. */
export function moments({ elements, nonFinite, total, totalSquares }: Summary): Moments {
  const count = elements - nonFinite;
  if (count <= 0) return { mean: null, std: null, norm: null };
  const mean = total / count;
  return {
    mean: finite(mean),
    std: finite(Math.sqrt(Math.max(0, totalSquares / count - mean * mean))),
    norm: finite(Math.sqrt(totalSquares)),
  };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
