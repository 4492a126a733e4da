// Follows one training from event to event and logs it. Steps are counted in optimiser steps, over epochs and over calls
// of fit. Loss and gradients are logged as they come, NaN and Inf too. Nothing of the training's tensors is held longer
// than from the update of a step to the end of its batch.

import type * as tf from "@tensorflow/tfjs";
import type { Run, StepRecordValues } from "../types.ts";
import { filterImages } from "./filter-images.ts";
import { modelFacts } from "./model-facts.ts";
import type { FitParams } from "./model-facts.ts";
import { placeInRun } from "./model-names.ts";
import type { ModelPlace } from "./model-names.ts";
import { namedWeights } from "./named-weights.ts";
import { disposeStep, hookOptimizer } from "./optimizer-hook.ts";
import type { OptimizerHook } from "./optimizer-hook.ts";
import { readGradientNorm, readSummaries } from "./step-tensors.ts";
import { onTrainingEnd } from "./training-end.ts";

/** What tfjs's callbacks get, after tensors became numbers. */
export type Logs = Readonly<Record<string, unknown>>;

export interface TrainingWatchOptions {
  readonly run: Run;
  readonly engine: typeof tf;
  readonly every: number;
  readonly initialStep: number;
  readonly name: string | undefined;
  readonly onError: (error: unknown) => void;
}

export interface TrainingWatch {
  setModel(model: tf.LayersModel): void;
  setParams(params: FitParams): void;
  begin(): void;
  batchBegin(): void;
  batchEnd(logs: Logs): Promise<void>;
  epochEnd(epoch: number, logs: Logs): void;
  end(): void;
}

export function watchTraining(options: TrainingWatchOptions): TrainingWatch {
  const { run, engine, every, initialStep } = options;
  let model: tf.LayersModel | undefined;
  let params: FitParams = {};
  let place: ModelPlace = { prefix: "", first: true };
  let hook: OptimizerHook | undefined;
  let step = initialStep;
  let lastImagesAt = initialStep;
  let lossBroke = false;
  let batchBeganMs = performance.now();

  const isDue = (): boolean => step === initialStep || step % every === 0;

  const end = (): void => {
    hook?.remove();
    hook = undefined;
  };

  const begin = (): void => {
    if (model === undefined) throw new Error(NO_MODEL);
    end();
    place = placeInRun(run, model, options.name);
    hook = hookOptimizer(engine, {
      optimizer: model.optimizer,
      weights: namedWeights(model, place.prefix),
      // Until the loss breaks, any step may turn out to be the one to look at.
      wantsWeights: () => isDue() || !lossBroke,
      onError: options.onError,
    });
    onTrainingEnd(model, end);
    if (place.first) run.describe(modelFacts(model, params, step));
  };

  const batchEnd = async (logs: Logs): Promise<void> => {
    const stepTimeMs = performance.now() - batchBeganMs;
    const loss = numberIn(logs, "loss");
    const breaksNow = !lossBroke && loss !== undefined && !Number.isFinite(loss);
    lossBroke ||= breaksNow;
    const due = isDue() || breaksNow;
    const at = step;
    step += 1;
    const held = hook?.take();
    let gradientNorm: number | undefined;
    let updateSurpriseRms: number | undefined;
    try {
      if (held !== undefined && due && model !== undefined) {
        const { summaries, norm, ...surprise } = await readSummaries(engine, model.optimizer, held);
        updateSurpriseRms = surprise.updateSurpriseRms;
        run.logSummaries(summaries, { step: at });
        if (at === initialStep || at - lastImagesAt >= every * IMAGES_EVERY) {
          lastImagesAt = at;
          for (const { name, pixels, caption } of await filterImages(held.weights)) run.logImage(name, pixels, { step: at, caption });
        }
        gradientNorm = norm;
      } else if (held !== undefined) {
        gradientNorm = await readGradientNorm(engine, held);
      }
    } catch (error) {
      // The step's scalars are logged all the same.
      options.onError(error);
    } finally {
      if (held !== undefined) disposeStep(held);
    }
    logBatch(run, place, logs, {
      step: at,
      stepTimeMs,
      ...present("loss", loss),
      ...present("learningRate", held?.learningRate === undefined ? undefined : [held.learningRate]),
      ...present("gradientNorm", gradientNorm),
      ...present("updateSurpriseRms", updateSurpriseRms),
      ...present("batchSize", numberIn(logs, "size")),
    });
    if (model !== undefined && run.shouldStop()) model.stopTraining = true;
  };

  const epochEnd = (epoch: number, logs: Logs): void => {
    if (step === initialStep) return;
    run.log({ [`${place.prefix}epoch`]: epoch, ...numbersOf(logs, place.prefix) }, { step: step - 1 });
  };

  return {
    setModel: (trained) => void (model = trained),
    setParams: (given) => void (params = given),
    begin,
    batchBegin: () => void (batchBeganMs = performance.now()),
    batchEnd,
    epochEnd,
    end,
  };
}

/** Filters are drawn at every so many summaries: they change slowly, and a picture weighs as much as a thousand points. */
const IMAGES_EVERY = 5;

const NO_MODEL =
  "tfjs did not tell the callback its model, so there are no weights and gradients. Either two copies of tfjs are loaded: " +
  "give the one that trains, gradwatchCallback(run, { tf }). Or it stands in a list after a plain object: make that one a " +
  "new tf.CustomCallback({ … }).";

/**
 * Means over an epoch keep tfjs's names (loss, val_loss, acc, val_acc) and so lie on one chart; a batch's own metrics go
 * under "batch/". Its loss is in the step record, which a run has only one of at a step.
 */
function logBatch(run: Run, place: ModelPlace, logs: Logs, record: StepRecordValues): void {
  const { batch: _batch, size: _size, loss, ...metrics } = logs;
  if (place.first) run.logStep(record);
  const ofOtherModels = { loss, gradient_norm: record.gradientNorm, learning_rate: record.learningRate?.[0] };
  const numbers = numbersOf({ ...metrics, ...(place.first ? {} : ofOtherModels) }, `${place.prefix}batch/`);
  if (Object.keys(numbers).length > 0) run.log(numbers, { step: record.step });
}

function numberIn(logs: Logs, key: string): number | undefined {
  const value = logs[key];
  return typeof value === "number" ? value : undefined;
}

function numbersOf(logs: Logs, prefix: string): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [key, value] of Object.entries(logs)) if (typeof value === "number") numbers[prefix + key] = value;
  return numbers;
}

/** A record that holds the key only where there is a value. */
function present<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: V });
}
