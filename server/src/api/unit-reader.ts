// One tensor unit by unit over time. Steps that share a column are pooled, each with the same weight: mean² + std² of a
// unit in a column is then the average over its steps, so that one step's explosion stays to be seen.

import { unitColumns, unitsExtent } from "../storage/queries/tensor-units.ts";
import type { ReadContext } from "./run-reader.ts";
import type { TensorUnits } from "./schema.ts";
import { stepColumns } from "./step-columns.ts";
import { requireTensor, selectTensors, type TensorChoice } from "./tensor-reader.ts";

export interface UnitsRequest extends TensorChoice {
  readonly columns: number;
  readonly rank: number;
}

export async function readUnits(run: bigint, request: UnitsRequest, context: ReadContext): Promise<TensorUnits> {
  const { store, signal, nowMs } = context;
  const tensor = await requireTensor(run, request, context);
  const selection = await selectTensors(run, [tensor], request.rank, context);
  const [extent] = await store.read(unitsExtent, selection, { signal });
  if (extent === undefined || extent.steps === 0) return { tensor: tensor.shown, units: 0, columns: [], asOf: nowMs };
  const layout = stepColumns(extent.step_min, extent.step_max, request.columns);
  const rows = await store.read(unitColumns, { ...selection, ...layout, every_step: extent.steps <= request.columns ? 1 : 0 }, { signal });
  return {
    tensor: tensor.shown,
    units: Math.max(...rows.map(({ counts }) => counts.length)),
    columns: rows.map(({ last_step, counts, sums, squares, deviations }) => {
      const means = counts.map((count, unit) => (count > 0 ? (sums[unit] as number) / count : null));
      const stds = means.map((mean, unit) =>
        mean === null || deviations[unit] === 0
          ? null
          : // Rounding may leave a little below 0.
            Math.sqrt(Math.max(0, (squares[unit] as number) / (counts[unit] as number) - mean * mean)),
      );
      return { step: last_step, means, stds };
    }),
    asOf: nowMs,
  };
}
