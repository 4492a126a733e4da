// Colours of the layer × step heatmap.

import type { TensorMatrix } from "@gradwatch/server/api-types";
import { type Cells, cellOf } from "../chart/cells.ts";
import { linearScale, logScale, type Scale, shareScale } from "../chart/color.ts";

export interface HeatmapLayout {
  readonly scale: Scale;
  readonly logarithmic: boolean;
  readonly cells: Cells;
  readonly nonFinite: number;
}

type Statistic = TensorMatrix["statistic"];

/** Statistics that are never negative and span orders of magnitude. */
const LOGARITHMIC: ReadonlySet<Statistic> = new Set(["norm", "std", "non-finite", "ratio", "surprise"]);
/** Shares that mean the same in every run: their colours are comparable, and a few dead units are not made to look like all. */
const SHARES: ReadonlySet<Statistic> = new Set(["dead-unit-share", "unspread-share", "derivative-share"]);

export function layOutHeatmap({ statistic, rows }: TensorMatrix): HeatmapLayout {
  const logarithmic = LOGARITHMIC.has(statistic);
  const finite = rows.flatMap(({ values }) => values.filter((value): value is number => typeof value === "number"));
  const scale = SHARES.has(statistic) ? shareScale : logarithmic ? logScale(finite) : linearScale(finite);
  const cells = rows.map(({ values, nonFinite }) => values.map((value, column) => cellOf(value, scale, nonFinite[column] ?? 0)));
  return { scale, logarithmic, cells, nonFinite: cells.flat().filter(({ kind }) => kind === "non-finite").length };
}
