// Reads what a step's tensors say: all summaries, or on the steps between them the gradient norm alone.

import type * as tf from "@tensorflow/tfjs";
import type { SummarizedTensor, TensorKind, TensorSummaryValues } from "../types.ts";
import type { HeldStep, HeldTensor } from "./optimizer-hook.ts";
import { readerFor } from "./tensor-reader.ts";

export async function readSummaries(engine: typeof tf, held: HeldStep): Promise<{ summaries: SummarizedTensor[]; norm: number }> {
  const tensors = [...held.gradients, ...held.weights];
  const values = await readerFor(engine).summarize(tensors.map(({ tensor }) => tensor));
  const gradients = values.slice(0, held.gradients.length);
  return {
    summaries: [
      ...identified(held.gradients, "gradient", gradients),
      ...identified(held.weights, "weight", values.slice(held.gradients.length)),
    ],
    norm: normOfSummaries(gradients),
  };
}

export function readGradientNorm(engine: typeof tf, held: HeldStep): Promise<number> {
  return readerFor(engine).norm(held.gradients.map(({ tensor }) => tensor));
}

function identified(tensors: readonly HeldTensor[], kind: TensorKind, summaries: readonly TensorSummaryValues[]): SummarizedTensor[] {
  return tensors.map(({ weight }, index) => ({ name: weight.name, ...weight.meta, kind, summary: summaries[index]! }));
}

/** Over all elements; NaN or Infinity when one of them is. */
function normOfSummaries(summaries: readonly TensorSummaryValues[]): number {
  if (summaries.some((summary) => summary.nan > 0)) return Number.NaN;
  if (summaries.some((summary) => summary.positiveInfinity + summary.negativeInfinity > 0)) return Number.POSITIVE_INFINITY;
  return Math.sqrt(summaries.reduce((total, summary) => total + summary.sumSquares, 0));
}
