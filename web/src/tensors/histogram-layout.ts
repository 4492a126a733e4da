// Histograms over time as a picture: one ridge a step, older ones behind. Heights are shares of the tensor's elements, on
// one scale for all ridges, by the square root: a few large weights stay visible beside a peak at zero.

import type { TensorHistograms } from "@gradwatch/server/api-types";

export interface Ridge {
  readonly step: number;
  /** Heights in [0, 1], one a bin. */
  readonly heights: readonly number[];
  readonly nonFinite: number;
}

/** Ridges that are drawn at most; more would hide each other. */
const RIDGES_MAX = 32;

export function layOutRidges({ columns, edges }: TensorHistograms): Ridge[] {
  const shown = thin(columns, RIDGES_MAX);
  const widths = edges.slice(1).map((edge, i) => edge - (edges[i] as number));
  const mean = widths.reduce((sum, width) => sum + width, 0) / Math.max(widths.length, 1) || 1;
  const densities = shown.map(({ counts, count }) => counts.map((n, i) => (count > 0 ? (n / count) * (mean / (widths[i] || mean)) : 0)));
  const top = Math.max(...densities.flat(), 0);
  return shown.map(({ step, nonFinite }, i) => ({
    step,
    heights: (densities[i] as number[]).map((density) => (top > 0 ? Math.sqrt(density / top) : 0)),
    nonFinite,
  }));
}

/** At most `max` items, evenly spaced, always with the first and the last. */
export function thin<Item>(items: readonly Item[], max: number): Item[] {
  if (items.length <= max) return [...items];
  return Array.from({ length: max }, (_, i) => items[Math.round((i * (items.length - 1)) / (max - 1))] as Item);
}
