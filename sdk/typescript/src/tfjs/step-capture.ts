// Catches one optimiser step whole: the gradients as they came out of the backward run, those that the optimiser was given if they are others
// (clipped, accumulated), the weights that it is about to change, the loss, and what was seen of the forward run. Tensors are held
// by second handles, which share their memory with the originals, until the caller has taken and disposed them. Whatever goes
// wrong here, training's own functions run.

import type * as tf from "@tensorflow/tfjs";
import { createForwardPass, type ForwardPass, type PassWants } from "./forward-pass.ts";
import { onGradientPass, type PassResult } from "./gradient-passes.ts";
import { holdTensor } from "./hold.ts";
import { probeModel } from "./model-probe.ts";
import type { NamedWeight } from "./named-weights.ts";
import { override } from "./override.ts";
import type { OwnTime } from "./own-time.ts";

export interface HeldTensor {
  readonly weight: NamedWeight;
  readonly tensor: tf.Tensor;
}

/** The tensors of one step, as they were before the update. */
export interface HeldStep {
  /** Before clipping. */
  readonly gradients: readonly HeldTensor[];
  /** What the optimiser was given, where that is something else. */
  readonly applied: readonly HeldTensor[] | undefined;
  /** None where nobody needs them. */
  readonly weights: readonly HeldTensor[];
  readonly loss: tf.Tensor | undefined;
  readonly pass: ForwardPass | undefined;
  readonly learningRate: number | undefined;
  dispose(): void;
}

export interface StepCapture {
  /** The step since the last call, now the caller's to dispose; undefined where the optimiser was not called. */
  take(): HeldStep | undefined;
  /** Puts everything back as it was and disposes what nobody took. */
  remove(): void;
}

export interface StepCaptureOptions {
  readonly engine: typeof tf;
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly prefix: string;
  readonly weights: readonly NamedWeight[];
  /** Asked when a run of the loss function begins; undefined: nothing. */
  readonly wants: () => PassWants | undefined;
  /** Whether anybody will look at the weights as they were before this step, whose loss it is given. */
  readonly needsWeights: (loss: tf.Tensor | undefined) => boolean;
  /** The optimiser has made its step. */
  readonly onStep: () => void;
  readonly onEvaluation: (output: number, labels: tf.Tensor, predictions: tf.Tensor) => void;
  /** What looking costs training. */
  readonly ownTime: OwnTime;
  readonly onError: (error: unknown) => void;
}

type Gradients = Parameters<tf.Optimizer["applyGradients"]>[0];

export function captureSteps(options: StepCaptureOptions): StepCapture {
  const { engine, optimizer, onError } = options;
  const byVariable = new Map(options.weights.map((weight) => [weight.variable.name, weight]));
  const variables = new Set<tf.Tensor>(options.weights.map(({ variable }) => variable));
  /** Runs within runs, of this model's weights. */
  let depth = 0;
  let pass: ForwardPass | undefined;
  /** Since the last step: more than one where gradients are accumulated. */
  let runs = 0;
  let raw = new Map<string, tf.Tensor>();
  let loss: tf.Tensor | undefined;
  let held: HeldStep | undefined;

  const drop = (): void => {
    held?.dispose();
    held = undefined;
    forgetRun();
  };
  const forgetRun = (): void => {
    pass?.dispose();
    pass = undefined;
    loss?.dispose();
    loss = undefined;
  };
  const guarded = (work: () => void): void => {
    try {
      options.ownTime.measure(work);
    } catch (error) {
      onError(error);
    }
  };
  const hold = (tensor: tf.Tensor): tf.Tensor => holdTensor(engine, tensor);

  const stopListening = onGradientPass(engine, {
    begin(xs) {
      if (!xs.some((x) => variables.has(x))) return false;
      if (depth++ === 0) {
        guarded(() => {
          forgetRun();
          const wants = options.wants();
          if (wants !== undefined) pass = createForwardPass(engine, wants);
        });
      }
      return true;
    },
    end(xs, result) {
      depth -= 1;
      if (depth > 0 || result === undefined) return;
      runs += 1;
      guarded(() => {
        raw = gradientsByName(xs, result);
        loss = hold(result.value);
      });
    },
  });

  function capture(given: Gradients): void {
    held?.dispose();
    const owned: tf.Tensor[] = [];
    const holdAll = (tensors: readonly { readonly weight: NamedWeight; readonly tensor: tf.Tensor }[]): HeldTensor[] =>
      tensors.map(({ weight, tensor }) => {
        const own = hold(tensor);
        owned.push(own);
        return { weight, tensor: own };
      });
    const applied = listed(given).flatMap(({ name, tensor }) => {
      const weight = byVariable.get(name);
      return weight === undefined || tensor == null ? [] : [{ weight, tensor }];
    });
    // What was accumulated over several runs is no run's gradient; what is disposed cannot be looked at.
    const before = applied.map(({ weight }) => ({ weight, tensor: raw.get(weight.variable.name) }));
    const isKnown = runs === 1 && before.every(({ tensor }) => tensor !== undefined && !tensor.isDisposed);
    const isOther = isKnown && before.some(({ tensor }, i) => tensor?.dataId !== applied[i]?.tensor.dataId);
    const ownPass = pass;
    const ownLoss = loss;
    pass = undefined;
    loss = undefined;
    raw = new Map();
    runs = 0;
    // Assigned first: what was held before an error is disposed with the rest.
    held = {
      gradients: [],
      applied: undefined,
      weights: [],
      loss: ownLoss,
      pass: ownPass,
      learningRate: learningRateOf(optimizer),
      dispose() {
        ownPass?.dispose();
        ownLoss?.dispose();
        for (const tensor of owned.splice(0)) tensor.dispose();
      },
    };
    held = {
      ...held,
      gradients: holdAll(isOther ? (before as typeof applied) : applied),
      applied: isOther ? holdAll(applied) : undefined,
      weights: options.needsWeights(ownLoss) ? holdAll(options.weights.map((weight) => ({ weight, tensor: weight.variable }))) : [],
    };
  }

  const applyHook = override<"applyGradients", tf.Optimizer["applyGradients"]>(
    optimizer,
    "applyGradients",
    (original, isActive) => (gradients) => {
      if (isActive()) guarded(() => capture(gradients));
      original.call(optimizer, gradients);
      if (!isActive()) return;
      try {
        options.onStep();
      } catch (error) {
        onError(error);
      }
    },
  );
  const probe = probeModel({
    ...options,
    pass: () => (depth > 0 ? pass : undefined),
    isTraining: () => depth > 0,
  });

  return {
    take: () => {
      const step = held;
      held = undefined;
      return step;
    },
    remove: () => {
      drop();
      stopListening();
      probe.remove();
      applyHook.remove();
    },
  };
}

function gradientsByName(xs: readonly tf.Tensor[], { grads }: PassResult): Map<string, tf.Tensor> {
  return new Map(xs.flatMap((x, i) => (grads[i] == null ? [] : [[(x as tf.Variable).name, grads[i]]])));
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
