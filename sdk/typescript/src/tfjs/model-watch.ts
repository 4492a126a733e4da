// Follows the training of one model from optimiser step to optimiser step and logs each. Loss and gradients are logged as they come, NaN and Inf
// too; at the step at which the loss breaks, everything that is held. Nothing of training's tensors is held longer than to the end of a step.

import type * as tf from "@tensorflow/tfjs";
import type { Run, StepRecordValues } from "../types.ts";
import { type ClassWindow, createClassWindow } from "./class-counts.ts";
import { type Cadence, createCadence, type StepPlan } from "./cadence.ts";
import { createEvaluationClasses } from "./evaluation-classes.ts";
import type { PassWants } from "./forward-pass.ts";
import { type FitParams, modelFacts, outputLosses } from "./model-facts.ts";
import { placeInRun } from "./model-names.ts";
import { namedWeights } from "./named-weights.ts";
import { createOwnTime } from "./own-time.ts";
import { present } from "./present.ts";
import { roadOf } from "./readings.ts";
import { captureSteps, type HeldStep } from "./step-capture.ts";
import { createReadingState, type ReadingState, readStep, type StepFindings } from "./step-reading.ts";
import { createTargetSpread } from "./target-spread.ts";
import type { WatchSettings } from "./watch-settings.ts";
import { drawableWeights } from "./weight-images.ts";

/** What goes on where a training of the same model does: a loop that calls `fit` for every epoch is one training. */
export interface Carried {
  readonly cadence: Cadence;
  readonly state: ReadingState;
}

export interface ModelWatchOptions {
  readonly run: Run;
  readonly engine: typeof tf;
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly settings: WatchSettings;
  readonly params: FitParams;
  readonly firstStep: number;
  readonly carried?: Carried | undefined;
  /** The optimiser has made a step; `finishStep` is due. */
  readonly onStep: () => void;
  readonly onError: (error: unknown) => void;
}

export interface StepEnd {
  /** Where somebody knows it already. */
  readonly loss?: number | undefined;
  readonly record?: Partial<StepRecordValues>;
  /** How long the step took, watching included. */
  readonly stepMs: number;
}

export interface ModelWatch {
  readonly carried: Carried;
  /** Put before names of this model's metrics and tensors. */
  readonly prefix: string;
  /** Whether it owns what a run has once: step records and facts. */
  readonly isFirst: boolean;
  /** Of the next optimiser step. */
  step(): number;
  /** Reads and logs the step that was made; waits only for an accelerator. What is logged on the way is `record` and what was found. */
  finishStep(end: StepEnd): void | Promise<void>;
  /** An evaluation may be over: logs what was counted in it. So may the first sight of all training samples: their labels are a fact then. */
  finishEpoch(samples: number): void | Promise<void>;
  stop(): void;
}

export function watchModel(options: ModelWatchOptions): ModelWatch {
  const { run, engine, model, optimizer, settings, onError } = options;
  const { groups } = settings;
  const { prefix, first: isFirst } = placeInRun(run, model, settings.name);
  const ownTime = createOwnTime();
  const losses = outputLosses(engine, model, settings.lossKind);
  const weights = namedWeights(model, prefix);
  if (weights.length === 0) throw new TypeError(NO_WEIGHTS);
  const drawable = drawableWeights(model, weights);
  const elements = model.trainableWeights.reduce((sum, weight) => sum + weight.read().size, 0);
  const isNormCheap = elements <= NORM_FREE_ELEMENTS;
  const carried = options.carried ?? {
    cadence: createCadence({ ...settings, firstStep: options.firstStep, isNormCheap }),
    state: createReadingState(),
  };
  const { cadence, state } = carried;
  const evaluation = createEvaluationClasses(engine, losses);
  const targets = createTargetSpread(losses);
  let step = options.firstStep;
  let plan: StepPlan | undefined;
  let lossBroke = false;
  /** The optimiser made it; it is not logged yet. */
  let isStepPending = false;
  let isEvaluating = false;
  /** The step that is being made is the first one after an evaluation. */
  let wasEvaluating = false;
  let toldValidation = 0;
  /** Of the first epoch; undefined: it is over. */
  let allLabels: ClassWindow | undefined = createClassWindow("train");

  function wants(): PassWants {
    plan ??= cadence.plan(step);
    wasEvaluating ||= isEvaluating;
    isEvaluating = false;
    const { groups: due, light } = plan;
    return {
      activations: due.has("activations"),
      units: light && groups.includes("activations"),
      // Until the loss breaks, any step may turn out to be the one whose inputs to look at.
      inputs: groups.includes("data") && (due.has("data") || due.has("images") || !lossBroke),
      states: due.has("states"),
      labels: light && groups.includes("data"),
    };
  }

  /** Whether this may turn out to be the step at which the loss breaks. Where asking would stall an accelerator, any may. */
  const mayBreak = (loss: tf.Tensor | undefined): boolean =>
    !lossBroke && (loss === undefined || roadOf(engine) === "backend" || !Number.isFinite(loss.dataSync()[0]));

  const forgetRecorder = run.onFlightRecorder((request) => cadence.record(request));
  if (isFirst) run.describe(modelFacts({ model, optimizer, losses, params: options.params, stepsBefore: step }));
  // Last: once it listens, only `stop` ends it.
  const capture = captureSteps({
    engine,
    model,
    optimizer,
    prefix,
    weights,
    ownTime,
    wants,
    needsWeights(loss) {
      const due = plan?.groups;
      return due?.has("weights") === true || due?.has("updates") === true || due?.has("images") === true || mayBreak(loss);
    },
    onStep() {
      isStepPending = true;
      options.onStep();
    },
    onEvaluation(output, labels, predictions) {
      // fit evaluates before it tells that the epoch's last batch is over.
      const at = isStepPending ? step : step - 1;
      if (!isEvaluating && isFirst && at >= options.firstStep) run.logStep({ step: at, phase: "evaluation" });
      isEvaluating = true;
      evaluation.add(output, labels, predictions);
    },
    onError,
  });
  const reading = { engine, optimizer, state, outputLosses: losses, drawable, inputSamples: settings.inputSamples };

  /** All that is held of a step, which is not what a forward run would have had to be looked at for. */
  const everythingHeld = (): StepPlan => ({
    groups: new Set(groups.filter((group) => group !== "activations" && group !== "states" && group !== "images")),
    norm: true,
    light: true,
  });

  function read(held: HeldStep, chosen: StepPlan, known: number | undefined): StepFindings | Promise<StepFindings> {
    const again = (findings: StepFindings): StepFindings | Promise<StepFindings> => {
      if (lossBroke || known !== undefined || findings.loss === undefined || Number.isFinite(findings.loss)) return findings;
      lossBroke = true;
      return chosen.groups.size > 0 ? findings : readStep(held, everythingHeld(), { ...reading, isLossKnown: false });
    };
    return whenDone(readStep(held, chosen, { ...reading, isLossKnown: known !== undefined }), again);
  }

  function log(at: number, held: HeldStep | undefined, findings: StepFindings | undefined, { loss, record }: StepEnd): void {
    const batchSize = held?.pass?.samples() ?? 0;
    const values: StepRecordValues = {
      step: at,
      ...present("loss", loss ?? findings?.loss),
      ...present("learningRate", held?.learningRate === undefined ? undefined : [held.learningRate]),
      ...present("gradientNorm", findings?.gradientNorm),
      ...present("clipThreshold", findings?.clipThreshold),
      ...present("updateSurpriseRms", findings?.updateSurpriseRms),
      ...present("batchSize", batchSize === 0 ? undefined : batchSize),
      ...(wasEvaluating && !isEvaluating ? { phase: "train" } : {}),
      ...record,
    };
    wasEvaluating = false;
    if (isFirst) run.logStep(values);
    else {
      const { loss: own, gradientNorm, learningRate } = values;
      const rate = learningRate?.[0];
      run.log(
        {
          ...present(`${prefix}batch/loss`, own),
          ...present(`${prefix}batch/gradient_norm`, gradientNorm),
          ...present(`${prefix}batch/learning_rate`, rate),
        },
        { step: at },
      );
    }
    if (findings === undefined) return;
    if (findings.summaries.length > 0) run.logSummaries(findings.summaries, { step: at });
    for (const { name, pixels, caption } of findings.images) run.logImage(prefix + name, pixels, { step: at, caption });
    for (const { classes, indices } of findings.classIndices) allLabels?.add(classes, indices);
    if (!isFirst) return;
    if (findings.classes !== undefined) run.logClasses(findings.classes, { step: at });
    const targetStd = targets.add(findings.summaries);
    if (targetStd !== undefined) run.describe({ targetStd });
  }

  function finishStep(end: StepEnd): void | Promise<void> {
    const begunMs = performance.now();
    const held = capture.take();
    const planned = plan ?? cadence.plan(step);
    const at = step;
    step += 1;
    plan = undefined;
    isStepPending = false;
    const breaksNow = !lossBroke && end.loss !== undefined && !Number.isFinite(end.loss);
    lossBroke ||= breaksNow;
    const chosen = breaksNow && planned.groups.size === 0 ? everythingHeld() : planned;
    const finish = (findings: StepFindings | undefined): void => {
      log(at, held, findings, end);
      held?.dispose();
      const hookMs = ownTime.take();
      cadence.done(at, planned, performance.now() - begunMs + hookMs, Math.max(0, end.stepMs - hookMs));
    };
    const failed = (error: unknown): void => {
      onError(error);
      // The step's numbers are logged all the same.
      finish(undefined);
    };
    if (held === undefined) return finish(undefined);
    try {
      const reads = whenDone(read(held, chosen, end.loss), finish);
      return reads instanceof Promise ? reads.catch(failed) : undefined;
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  return {
    carried,
    prefix,
    isFirst,
    step: () => step,
    finishStep,
    finishEpoch(samples) {
      // Only where none was missed: the budget may have, or a class number that is none.
      const labels = allLabels?.samples() === samples ? allLabels.take() : undefined;
      if (isFirst && labels !== undefined) run.describe({ labelCounts: labels.labelCounts });
      allLabels = undefined;
      return whenDone(evaluation.take(), (findings) => {
        if (findings === undefined || !isFirst) return;
        const at = Math.max(options.firstStep, step - 1);
        if (findings.classes !== undefined) run.logClasses(findings.classes, { step: at });
        if (findings.samples !== toldValidation) run.describe({ validationSamples: (toldValidation = findings.samples) });
      });
    },
    stop() {
      forgetRecorder();
      capture.remove();
      evaluation.dispose();
    },
  };
}

/** A loop over as many takes some ten microseconds; a step of such a network, milliseconds. */
const NORM_FREE_ELEMENTS = 50_000;

const NO_WEIGHTS =
  "the model has no weights yet, so there is nothing to watch: give its first layer an inputShape, or run it once before. A model that has none at all needs no watching.";

function whenDone<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}
