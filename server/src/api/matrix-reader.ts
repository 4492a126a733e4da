// One statistic of all tensors of a kind over time, as the API shows it.

import { tensorMatrix } from "../storage/queries/tensor-matrix.ts";
import { tensorExtent } from "../storage/queries/tensors.ts";
import { jsonFloat } from "./json-float.ts";
import type { ReadContext } from "./run-reader.ts";
import type { Float, TensorKind, TensorMatrix, TensorStatistic } from "./schema.ts";
import { stepColumns } from "./step-columns.ts";
import { readTensors, selectTensors, type StoredTensor, type TensorPhase } from "./tensor-reader.ts";

export interface MatrixRequest {
  readonly kind: TensorKind;
  readonly statistic: TensorStatistic;
  readonly columns: number;
  readonly phase?: TensorPhase | undefined;
  readonly rank: number;
}

export async function readMatrix(run: bigint, request: MatrixRequest, context: ReadContext): Promise<TensorMatrix> {
  const { store, signal, nowMs } = context;
  const { statistic } = request;
  const all = await readTensors(run, context);
  const tensors = all.filter(({ shown }) => shown.kind === request.kind && (request.phase === undefined || shown.phase === request.phase));
  const selection = await selectTensors(run, tensors, request.rank, context);
  const [extent] = await store.read(tensorExtent, selection, { signal });
  if (extent === undefined || extent.steps === 0) return { statistic, steps: [], rows: [], asOf: nowMs };
  const layout = stepColumns(extent.step_min, extent.step_max, request.columns);
  const found = await store.read(
    tensorMatrix[statistic],
    {
      ...selection,
      weights: [],
      denominators: [],
      ...(statistic === "ratio" ? beside(tensors, all) : {}),
      ...layout,
      every_step: extent.steps <= request.columns ? 1 : 0,
    },
    { signal },
  );
  // The last step of each column that holds anything.
  const lastStep = new Map<number, number>();
  for (const { column, step } of found) column.forEach((c, i) => lastStep.set(c, Math.max(lastStep.get(c) ?? 0, step[i] as number)));
  const columns = [...lastStep.keys()].toSorted((a, b) => a - b);
  const place = new Map(columns.map((column, i) => [column, i]));
  const byTensor = new Map(found.map((row) => [row.tensor, row]));
  const rows = tensors.flatMap(({ key, shown }) => {
    const row = byTensor.get(key);
    if (row === undefined) return [];
    const values = new Array<Float | null>(columns.length).fill(null);
    const nonFinite = new Array<number>(columns.length).fill(0);
    row.column.forEach((column, i) => {
      const at = place.get(column) as number;
      if ((row.measured[i] as number) > 0) values[at] = jsonFloat(row.value[i] as number);
      nonFinite[at] = row.non_finite[i] as number;
    });
    return [{ tensor: shown, values, nonFinite }];
  });
  return { statistic, steps: columns.map((column) => lastStep.get(column) as number), rows, asOf: nowMs };
}

/** The tensors with the weights they are measured by: those of their name, of their own phase where there are several. */
function beside(tensors: readonly StoredTensor[], all: readonly StoredTensor[]) {
  const weights = all.filter(({ shown }) => shown.kind === "weight");
  const weightOf = ({ shown: { name, phase } }: StoredTensor): StoredTensor | undefined => {
    const named = weights.filter(({ shown }) => shown.name === name);
    return named.find(({ shown }) => shown.phase === phase) ?? named[0];
  };
  const measured = tensors.map((tensor) => (tensor.shown.kind === "weight" ? undefined : weightOf(tensor)));
  const denominators = [...new Set(measured.filter((weight) => weight !== undefined))];
  return {
    tensors: [...tensors, ...denominators].map(({ key }) => key),
    sharded: [...tensors, ...denominators].filter(({ sharded }) => sharded).map(({ key }) => key),
    weights: [...measured, ...denominators.map(() => undefined)].map((weight) => weight?.key ?? 0n),
    denominators: denominators.map(({ key }) => key),
  };
}
