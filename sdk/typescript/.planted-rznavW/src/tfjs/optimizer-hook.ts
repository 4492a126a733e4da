// Sees every gradient of a training loop by wrapping `applyGradients` on one optimiser instance. The step's gradients
// and the weights that they are about to change are held as clones, which share their memory with the originals, until
// the loss of the step is known and the caller has taken and disposed them. Whatever goes wrong here, the optimiser's
// own `applyGradients` runs.

import type * as tf from "@tensorflow/tfjs";
import type { NamedWeight } from "./named-weights.ts";

export interface HeldTensor {
  readonly weight: NamedWeight;
  readonly tensor: tf.Tensor;
}

/** The tensors of one step, as they were before the update. */
export interface HeldStep {
  readonly gradients: readonly HeldTensor[];
  /** Empty where the caller did not want them. */
  readonly weights: readonly HeldTensor[];
  readonly learningRate: number | undefined;
}

export interface OptimizerHook {
  /** The step since the last call, now the caller's to dispose; undefined where the optimiser was not called. */
  take(): HeldStep | undefined;
  /** Puts the optimiser back as it was and disposes what nobody took. */
  remove(): void;
}

export interface OptimizerHookOptions {
  readonly optimizer: tf.Optimizer;
  readonly weights: readonly NamedWeight[];
  /** Asked before every update. */
  readonly wantsWeights: () => boolean;
  readonly onError: (error: unknown) => void;
}

type Gradients = Parameters<tf.Optimizer["applyGradients"]>[0];

export function hookOptimizer(engine: typeof tf, options: OptimizerHookOptions): OptimizerHook {
  const { optimizer } = options;
  const byVariable = new Map(options.weights.map((weight) => [weight.variable.name, weight]));
  const before = Object.getOwnPropertyDescriptor(optimizer, "applyGradients");
  const applyGradients = optimizer.applyGradients;
  let held: HeldStep | undefined;
  let active = true;

  const drop = (): void => {
    if (held !== undefined) disposeStep(held);
    held = undefined;
  };
  const capture = (gradients: Gradients): void => {
    // A loop that applies gradients twice before a batch ends (accumulation) is seen by its last call.
    drop();
    const step: { gradients: HeldTensor[]; weights: HeldTensor[]; learningRate: number | undefined } = {
      gradients: [],
      weights: [],
      learningRate: learningRateOf(optimizer),
    };
    // Assigned first: what was cloned before an error is disposed with the rest.
    held = step;
    for (const { name, tensor } of listed(gradients)) {
      const weight = byVariable.get(name);
      if (weight !== undefined && tensor != null) step.gradients.push({ weight, tensor: hold(engine, tensor) });
    }
    if (!options.wantsWeights()) return;
    for (const weight of options.weights) step.weights.push({ weight, tensor: hold(engine, weight.variable) });
  };
  const wrapped: tf.Optimizer["applyGradients"] = (gradients) => {
    if (active) {
      try {
        capture(gradients);
      } catch (error) {
        options.onError(error);
      }
    }
    applyGradients.call(optimizer, gradients);
  };
  optimizer.applyGradients = wrapped;

  return {
    take: () => {
      const step = held;
      held = undefined;
      return step;
    },
    remove: () => {
      drop();
      active = false;
      // If somebody wrapped our wrapper, it stays, and passes everything on.
      if (optimizer.applyGradients !== wrapped) return;
      if (before === undefined) delete (optimizer as Partial<tf.Optimizer>).applyGradients;
      else Object.defineProperty(optimizer, "applyGradients", before);
    },
  };
}

export function disposeStep(step: HeldStep): void {
  for (const { tensor } of [...step.gradients, ...step.weights]) tensor.dispose();
}

/** `keep` takes the clone out of the tidy that training runs in. */
function hold(engine: typeof tf, tensor: tf.Tensor): tf.Tensor {
  return engine.keep(tensor.clone());
}

function listed(gradients: Gradients): readonly { name: string; tensor: tf.Tensor | undefined }[] {
  if (Array.isArray(gradients)) return gradients;
  return Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
}

/** Every optimiser of tfjs keeps it as a plain field, typed protected. */
function learningRateOf(optimizer: tf.Optimizer): number | undefined {
  const { learningRate } = optimizer as unknown as { learningRate?: unknown };
  return typeof learningRate === "number" ? learningRate : undefined;
}
