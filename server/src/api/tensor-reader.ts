// Tensors as the API shows them: the list, one statistic of many tensors over time, the histograms of one over time.

import { addSummaries, emptySummary, moments, type Summary } from "../histogram/tensor-summary.ts";
import { linearEdges, rebin } from "../histogram/linear-bins.ts";
import { runTensors, tensorExtent, tensorMatrix, tensorSummaries } from "../storage/queries/tensors.ts";
import { sessionCuts } from "../storage/queries/session-cut.ts";
import { jsonFloat } from "./json-float.ts";
import { ProblemError } from "./problem.ts";
import type { ReadContext } from "./run-reader.ts";
import type { Float, Tensor, TensorHistograms, TensorKind, TensorMatrix, TensorStatistic } from "./schema.ts";
import { columnOf, stepColumns } from "./step-columns.ts";

export interface StoredTensor {
  readonly key: bigint;
  readonly sharded: boolean;
  readonly shown: Tensor;
}

export type TensorPhase = Tensor["phase"];

/** Input side first. */
export async function readTensors(run: bigint, { store, signal }: ReadContext): Promise<StoredTensor[]> {
  const rows = await store.read(runTensors, { run }, { signal });
  return rows.map(({ tensor, placement, topological_index, ...shown }) => ({
    key: tensor,
    sharded: placement === "sharded",
    shown: { ...shown, topologicalIndex: topological_index },
  }));
}

/** The rank and, of sharded tensors, all ranks. */
async function select(run: bigint, tensors: readonly StoredTensor[], rank: number, { store, signal }: ReadContext) {
  return {
    run,
    tensors: tensors.map(({ key }) => key),
    sharded: tensors.filter(({ sharded }) => sharded).map(({ key }) => key),
    rank,
    ...(await sessionCuts(store, [run], signal)),
  };
}

export interface MatrixRequest {
  readonly kind: TensorKind;
  readonly statistic: TensorStatistic;
  readonly columns: number;
  readonly phase?: TensorPhase | undefined;
  readonly rank: number;
}

export async function readMatrix(run: bigint, request: MatrixRequest, context: ReadContext): Promise<TensorMatrix> {
  const { store, signal, nowMs } = context;
  const all = await readTensors(run, context);
  const tensors = all.filter(({ shown }) => shown.kind === request.kind && (request.phase === undefined || shown.phase === request.phase));
  const selection = await select(run, tensors, request.rank, context);
  const [extent] = await store.read(tensorExtent, selection, { signal });
  if (extent === undefined || extent.steps === 0) return { statistic: request.statistic, steps: [], rows: [], asOf: nowMs };
  const layout = stepColumns(extent.step_min, extent.step_max, request.columns);
  const everyStep = extent.steps <= request.columns;
  const found = await store.read(tensorMatrix[request.statistic], { ...selection, ...layout, every_step: everyStep ? 1 : 0 }, { signal });
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
  return { statistic: request.statistic, steps: columns.map((column) => lastStep.get(column) as number), rows, asOf: nowMs };
}

export interface HistogramsRequest {
  readonly name: string;
  readonly kind: TensorKind;
  readonly phase?: TensorPhase | undefined;
  readonly columns: number;
  readonly bins: number;
  readonly rank: number;
}

/** Summaries held in memory at once. */
const pageRows = 2_000;

export async function readHistograms(run: bigint, request: HistogramsRequest, context: ReadContext): Promise<TensorHistograms> {
  const { store, signal, nowMs } = context;
  const tensor = (await readTensors(run, context)).find(
    ({ shown }) =>
      shown.name === request.name && shown.kind === request.kind && (request.phase === undefined || shown.phase === request.phase),
  );
  if (tensor === undefined) {
    throw new ProblemError(
      "not-found",
      `the run has no ${request.kind} tensor ${JSON.stringify(request.name)}. GET …/tensors lists what it has.`,
    );
  }
  const selection = await select(run, [tensor], request.rank, context);
  const [extent] = await store.read(tensorExtent, selection, { signal });
  const columns = new Map<number, Column>();
  if (extent !== undefined && extent.steps > 0) {
    const layout = stepColumns(extent.step_min, extent.step_max, request.columns);
    const columnAt = extent.steps <= request.columns ? (step: number): number => step : (step: number): number => columnOf(layout, step);
    for await (const { step, summary } of summariesOf(selection, context)) {
      const column = columns.get(columnAt(step));
      columns.set(columnAt(step), {
        step,
        steps: (column?.steps ?? 0) + (column?.step === step ? 0 : 1),
        summary: addSummaries(column?.summary ?? emptySummary, summary),
      });
    }
  }
  return { tensor: tensor.shown, ...draw([...columns.values()], request.bins), asOf: nowMs };
}

interface Column {
  /** The last one. */
  readonly step: number;
  /** How many distinct ones. */
  readonly steps: number;
  readonly summary: Summary;
}

/** By ascending step; shards of one step follow each other. */
async function* summariesOf(
  selection: Awaited<ReturnType<typeof select>>,
  { store, signal }: ReadContext,
): AsyncGenerator<{ step: number; summary: Summary }> {
  for (let after = { step: -1, rank: 0 }; ;) {
    const rows = await store.read(
      tensorSummaries,
      { ...selection, after_step: after.step, after_rank: after.rank, limit: pageRows },
      { signal },
    );
    for (const row of rows) {
      const { scale, zero_threshold, zero_count, positive_offset, positive, negative_offset, negative } = row;
      const histogram = {
        scale,
        zeroThreshold: zero_threshold,
        zeroCount: zero_count,
        positive: { offset: positive_offset, counts: positive },
        negative: { offset: negative_offset, counts: negative },
      };
      yield {
        step: row.step,
        summary: {
          elements: row.elements,
          nonFinite: row.nan_count + row.infinite,
          zero: row.zero,
          min: Number.isNaN(row.minimum) ? null : row.minimum,
          max: Number.isNaN(row.maximum) ? null : row.maximum,
          total: row.total,
          totalSquares: row.total_squares,
          histogram: row.has_histogram === 1 ? histogram : emptySummary.histogram,
        },
      };
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return;
    after = { step: last.step, rank: last.rank };
  }
}

function draw(columns: readonly Column[], bins: number): Pick<TensorHistograms, "edges" | "columns"> {
  const lows = columns.flatMap(({ summary }) => summary.min ?? []);
  const highs = columns.flatMap(({ summary }) => summary.max ?? []);
  const edges = linearEdges(
    Math.min(...lows, ...(lows.length === 0 ? [0] : [])),
    Math.max(...highs, ...(highs.length === 0 ? [1] : [])),
    bins,
  );
  return {
    edges,
    columns: columns.map(({ step, steps, summary }) => {
      const { mean, std, norm } = moments(summary);
      return {
        step,
        counts: rebin(summary.histogram, edges, summary.min ?? 0, summary.max ?? 0),
        count: summary.elements,
        nonFinite: summary.nonFinite,
        zero: summary.zero,
        min: summary.min,
        max: summary.max,
        mean,
        std,
        // Root mean square over the column's steps: comparable with the norm of one.
        norm: norm === null ? null : norm / Math.sqrt(steps),
      };
    }),
  };
}
