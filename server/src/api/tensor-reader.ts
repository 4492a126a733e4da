// Tensors as the API shows them: the list, and the histograms of one over time.

import { addSummaries, emptySummary, moments, type Summary } from "../histogram/tensor-summary.ts";
import { linearEdges, rebin } from "../histogram/linear-bins.ts";
import { runTensors, tensorExtent, tensorSummaries } from "../storage/queries/tensors.ts";
import { sessionCuts } from "../storage/queries/session-cut.ts";
import { ProblemError } from "./problem.ts";
import type { ReadContext } from "./run-reader.ts";
import type { Tensor, TensorHistograms, TensorKind } from "./schema.ts";
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
export async function selectTensors(run: bigint, tensors: readonly StoredTensor[], rank: number, { store, signal }: ReadContext) {
  return {
    run,
    tensors: tensors.map(({ key }) => key),
    sharded: tensors.filter(({ sharded }) => sharded).map(({ key }) => key),
    rank,
    ...(await sessionCuts(store, [run], signal)),
  };
}

/** One tensor of a run. */
export interface TensorChoice {
  readonly name: string;
  readonly kind: TensorKind;
  readonly phase?: TensorPhase | undefined;
}

/** @throws ProblemError when the run has no such tensor. */
export async function requireTensor(run: bigint, { name, kind, phase }: TensorChoice, context: ReadContext): Promise<StoredTensor> {
  const tensor = (await readTensors(run, context)).find(
    ({ shown }) => shown.name === name && shown.kind === kind && (phase === undefined || shown.phase === phase),
  );
  if (tensor !== undefined) return tensor;
  throw new ProblemError("not-found", `the run has no ${kind} tensor ${JSON.stringify(name)}. GET …/tensors lists what it has.`);
}

export interface HistogramsRequest extends TensorChoice {
  readonly columns: number;
  readonly bins: number;
  readonly rank: number;
}

/** Summaries held in memory at once. */
const pageRows = 2_000;

export async function readHistograms(run: bigint, request: HistogramsRequest, context: ReadContext): Promise<TensorHistograms> {
  const { store, signal, nowMs } = context;
  const tensor = await requireTensor(run, request, context);
  const selection = await selectTensors(run, [tensor], request.rank, context);
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
  selection: Awaited<ReturnType<typeof selectTensors>>,
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
