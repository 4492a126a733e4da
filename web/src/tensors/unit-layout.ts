// What is drawn of values by unit. The share of a time step in the gradient of a recurrent state is mean² + std² of it
// over the sum of all: how far back the network learns.

import type { TensorUnits } from "@gradwatch/server/api-types";
import { type Cells, cellOf } from "../chart/cells.ts";
import { linearScale, logScale, type Scale } from "../chart/color.ts";

export type UnitView = "share" | "mean" | "std";

type Column = TensorUnits["columns"][number];

/** By unit; null where the unit has no finite value, or nothing flows at all. */
export function sharesOf({ means, stds }: Pick<Column, "means" | "stds">): (number | null)[] {
  const energies = means.map((mean, unit) => (mean === null ? null : mean ** 2 + (stds[unit] ?? 0) ** 2));
  const total = energies.reduce<number>((sum, energy) => sum + (energy ?? 0), 0);
  return energies.map((energy) => (energy === null || total === 0 ? null : energy / total));
}

export interface UnitLayout {
  readonly scale: Scale;
  readonly logarithmic: boolean;
  /** values[column][unit] */
  readonly values: readonly (readonly (number | null)[])[];
  readonly cells: Cells;
}

/** Shares span many decades where a gradient vanishes. */
const SHARE_DECADES_MAX = 8;

export function layOutUnits({ units, columns }: TensorUnits, view: UnitView): UnitLayout {
  const values = columns.map((column) => (view === "share" ? sharesOf(column) : view === "mean" ? column.means : column.stds));
  const finite = values.flatMap((column) => column.filter((value) => value !== null));
  const scale = view === "share" ? logScale(finite, SHARE_DECADES_MAX) : view === "std" ? logScale(finite) : linearScale(finite);
  const cells = Array.from({ length: units }, (_none, unit) => values.map((column) => cellOf(column[unit] ?? null, scale)));
  return { scale, logarithmic: view !== "mean", values, cells };
}
