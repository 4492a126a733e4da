// How much larger the gradient is than its optimiser expects: RMS(g² / v) over a tensor's elements, with v the running mean of g²
// that Adam and RMSProp divide by, bias-corrected. Near 1 in calm training; before a loss spike it rises first (Wortsman et al.,
// "Stable and low-precision training for large-scale vision-language models", 2023). Other optimisers have no v and get none.

import type * as tf from "@tensorflow/tfjs";
import type { HeldTensor } from "./optimizer-hook.ts";

export interface UpdateSurprise {
  /** One a gradient, in order; undefined where the optimiser keeps no v of it. */
  readonly byTensor: readonly (number | undefined)[];
  /** Over the elements of all of them. */
  readonly overall: number | undefined;
}

/** The state of tfjs's optimisers, which is public in fact though not by its types. */
interface OptimizerState {
  readonly accumulatedSecondMoment?: readonly Accumulator[];
  readonly accumulatedMeanSquares?: readonly Accumulator[];
  readonly beta2?: number;
  /** β2 to the power of the steps made, plus one. */
  readonly accBeta2?: tf.Variable;
  readonly epsilon?: number;
}

interface Accumulator {
  readonly originalName: string;
  readonly variable: tf.Variable;
}

const NONE: UpdateSurprise = { byTensor: [], overall: undefined };
/** Below it v is rounding: what the optimiser adds to its root, squared. */
const EPSILON_DEFAULT = 1e-7;

/** Of the step that was just made: v holds its gradient already. */
export async function updateSurprise(
  engine: typeof tf,
  optimizer: tf.Optimizer,
  gradients: readonly HeldTensor[],
): Promise<UpdateSurprise> {
  const { accumulatedSecondMoment, accumulatedMeanSquares, beta2, accBeta2, epsilon } = optimizer as unknown as OptimizerState;
  const accumulators = accumulatedSecondMoment ?? accumulatedMeanSquares;
  if (accumulators === undefined) return NONE;
  const meanSquares = new Map(
    accumulators.filter((one) => one != null).map(({ originalName, variable }) => [ofVariable(originalName), variable]),
  );
  const known = gradients.map(({ weight, tensor }) => ({ tensor, meanSquare: meanSquares.get(weight.variable.name) }));
  const means = engine.tidy(() => {
    // RMSProp starts at 0 and is not corrected.
    const correction =
      accumulatedSecondMoment === undefined || beta2 === undefined || accBeta2 === undefined
        ? engine.scalar(1)
        : engine.sub(1, accBeta2.div(beta2));
    const smallest = (epsilon ?? EPSILON_DEFAULT) ** 2;
    return known.map(({ tensor, meanSquare }) =>
      meanSquare === undefined ? undefined : tensor.square().div(meanSquare.div(correction).maximum(smallest)).mean(),
    );
  });
  try {
    const values = await Promise.all(means.map(async (mean) => (mean === undefined ? undefined : (await mean.data())[0])));
    let [sum, elements] = [0, 0];
    values.forEach((value, i) => {
      if (value === undefined) return;
      const { size } = (known[i] as (typeof known)[number]).tensor;
      sum += value * size;
      elements += size;
    });
    return {
      byTensor: values.map((value) => (value === undefined ? undefined : Math.sqrt(value))),
      overall: elements === 0 ? undefined : Math.sqrt(sum / elements),
    };
  } finally {
    for (const mean of means) mean?.dispose();
  }
}

/** "dense/kernel/v", "dense/kernel/rms" → "dense/kernel". */
const ofVariable = (name: string): string => name.slice(0, name.lastIndexOf("/"));
