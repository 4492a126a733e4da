// Reads what a step's tensors say: all summaries, or on the steps between them the gradient norm alone.

import type * as tf from "@tensorflow/tfjs";
import type { SummarizedTensor, TensorKind, TensorSummaryValues } from "../types.ts";
import type { HeldStep, HeldTensor } from "./optimizer-hook.ts";
import { readerFor } from "./tensor-reader.ts";
import { updateSurprise } from "./update-surprise.ts";

export interface StepSummaries {
  readonly summaries: readonly SummarizedTensor[];
  /** L2, of all gradients together. */
  readonly norm: number;
  readonly updateSurpriseRms: number | undefined;
}

/** Gradients and weights before the update, and what the update did to each weight that has a gradient. */
export async function readSummaries(engine: typeof tf, optimizer: tf.Optimizer, held: HeldStep): Promise<StepSummaries> {
  const updates = updatesOf(engine, held);
  try {
    const parts = [
      { kind: "gradient", tensors: held.gradients },
      { kind: "weight", tensors: held.weights },
      { kind: "update", tensors: updates },
    ] as const;
    const values = await readerFor(engine).summarize(parts.flatMap(({ tensors }) => tensors.map(({ tensor }) => tensor)));
    const surprise = await updateSurprise(engine, optimizer, held.gradients);
    surprise.byTensor.forEach((updateSurpriseRms, i) => {
      if (updateSurpriseRms !== undefined) values[i] = { ...(values[i] as TensorSummaryValues), updateSurpriseRms };
    });
    let from = 0;
    const summaries = parts.flatMap(({ kind, tensors }) => identified(tensors, kind, values.slice(from, (from += tensors.length))));
    return { summaries, norm: normOfSummaries(values.slice(0, held.gradients.length)), updateSurpriseRms: surprise.overall };
  } finally {
    for (const { tensor } of updates) tensor.dispose();
  }
}

/** New weight − old weight. The update has been made by now: variables hold the new values. */
function updatesOf(engine: typeof tf, { gradients, weights }: HeldStep): HeldTensor[] {
  const changed = new Set(gradients.map(({ weight }) => weight.variable));
  return weights
    .filter(({ weight }) => changed.has(weight.variable))
    .map(({ weight, tensor }) => ({ weight, tensor: engine.tidy(() => weight.variable.sub(tensor)) }));
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
