// How much larger the gradient is than its optimiser expects: RMS(g² / v) over a tensor's elements, with v the running mean of g²
// that Adam and RMSProp divide by, bias-corrected. Near 1 in calm training; before a loss spike it rises first (Wortsman et al.,
// "Stable and low-precision training for large-scale vision-language models", 2023). Other optimisers have no v and get none.

import type * as tf from "@tensorflow/tfjs";
import type { Reduction } from "./readings.ts";

/** The state of tfjs's optimisers, which is public in fact though not by its types. */
interface OptimizerState {
  readonly accumulatedSecondMoment?: readonly (Accumulator | null)[];
  readonly accumulatedMeanSquares?: readonly (Accumulator | null)[];
  readonly beta2?: number;
  /** β2 to the power of the steps made, plus one. */
  readonly accBeta2?: tf.Variable;
  readonly epsilon?: number;
}

interface Accumulator {
  readonly originalName: string;
  readonly variable: tf.Variable;
}

/** Below its square v is rounding: what the optimiser adds to its root. */
const EPSILON_DEFAULT = 1e-7;

/** Mean squares by name of the variable, to be looked at after a step: they hold its gradient then. */
export interface MeanSquares {
  readonly byVariable: ReadonlyMap<string, tf.Variable>;
  /** Adam's are corrected for having started at 0; RMSProp's are not. */
  readonly bias: { readonly accBeta2: tf.Variable; readonly beta2: number } | undefined;
  readonly smallest: number;
}

/** Undefined: the optimiser has none. */
export function meanSquaresOf(optimizer: tf.Optimizer): MeanSquares | undefined {
  const { accumulatedSecondMoment, accumulatedMeanSquares, beta2, accBeta2, epsilon } = optimizer as unknown as OptimizerState;
  const accumulators = accumulatedSecondMoment ?? accumulatedMeanSquares;
  if (accumulators === undefined) return undefined;
  const isCorrected = accumulatedSecondMoment !== undefined && beta2 !== undefined && accBeta2 !== undefined;
  return {
    byVariable: new Map(accumulators.flatMap((one) => (one == null ? [] : [[ofVariable(one.originalName), one.variable]]))),
    bias: isCorrected ? { accBeta2, beta2 } : undefined,
    smallest: (epsilon ?? EPSILON_DEFAULT) ** 2,
  };
}

/** E[g² / v] over the elements of one tensor; its root is the RMS of g / √v, which the paper names after g² / v. */
export function meanSurprise(gradient: tf.Tensor, meanSquare: tf.Tensor, { bias, smallest }: MeanSquares): Reduction<number> {
  return {
    onBackend(engine) {
      const v = bias === undefined ? meanSquare : meanSquare.div(engine.sub(1, bias.accBeta2.div(bias.beta2)));
      return gradient.square().div(v.maximum(smallest)).mean().reshape<tf.Tensor1D>([1]);
    },
    decode: (row) => row[0] as number,
    inMemory(valuesOf) {
      const [g, v] = [valuesOf(gradient), valuesOf(meanSquare)];
      const correction = bias === undefined ? 1 : 1 - (valuesOf(bias.accBeta2)[0] as number) / bias.beta2;
      let total = 0;
      for (let i = 0; i < g.length; i++) total += (g[i] as number) ** 2 / Math.max((v[i] as number) / correction, smallest);
      return total / g.length;
    },
  };
}

/** Of several tensors together, from the mean of each. */
export function surpriseRms(parts: readonly { readonly mean: number; readonly elements: number }[]): number | undefined {
  const elements = parts.reduce((total, part) => total + part.elements, 0);
  return elements === 0 ? undefined : Math.sqrt(parts.reduce((total, { mean, elements: of }) => total + mean * of, 0) / elements);
}

/** "dense/kernel/v", "dense/kernel/rms" → "dense/kernel". */
const ofVariable = (name: string): string => name.slice(0, name.lastIndexOf("/"));
