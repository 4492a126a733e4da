// Follows `fit` or `fitDataset` from event to event: batches, epochs, evaluations. Steps are counted in optimiser steps, over epochs and over calls
// of fit.

import type * as tf from "@tensorflow/tfjs";
import type { Run } from "../types.ts";
import { createFirstEpoch } from "./first-epoch.ts";
import type { FitParams } from "./model-facts.ts";
import { type Carried, type ModelWatch, watchModel } from "./model-watch.ts";
import { present } from "./present.ts";
import { onTrainingEnd } from "./training-end.ts";
import type { WatchSettings } from "./watch-settings.ts";

/** What tfjs's callbacks get, after tensors became numbers. */
export type Logs = Readonly<Record<string, unknown>>;

export interface TrainingWatchOptions {
  readonly run: Run;
  readonly engine: typeof tf;
  readonly settings: WatchSettings;
  readonly onError: (error: unknown) => void;
}

export interface TrainingWatch {
  setModel(model: tf.LayersModel): void;
  setParams(params: FitParams): void;
  begin(): void;
  batchBegin(): void;
  batchEnd(logs: Logs): void | Promise<void>;
  epochBegin(): void;
  epochEnd(epoch: number, logs: Logs): void | Promise<void>;
  end(): void;
}

export function watchTraining({ run, engine, settings, onError }: TrainingWatchOptions): TrainingWatch {
  let model: tf.LayersModel | undefined;
  let params: FitParams = {};
  let watch: ModelWatch | undefined;
  let nextStep = settings.initialStep;
  let carried: { readonly model: tf.LayersModel; readonly by: Carried } | undefined;
  let batchBeganMs = performance.now();
  /** When the optimiser had made its step: what comes before the batch ends may be an evaluation. */
  let stepMadeMs: number | undefined;
  /** End of the last batch of this epoch; undefined before its first. */
  let batchEndedMs: number | undefined;
  const firstEpoch = createFirstEpoch();

  const end = (): void => {
    if (watch !== undefined && model !== undefined) {
      nextStep = watch.step();
      carried = { model, by: watch.carried };
    }
    watch?.stop();
    watch = undefined;
  };

  return {
    setModel: (trained) => void (model = trained),
    setParams: (given) => void (params = given),
    begin() {
      if (model === undefined) throw new Error(NO_MODEL);
      end();
      const { optimizer } = model;
      const onStep = (): void => void (stepMadeMs = performance.now());
      watch = watchModel({
        run,
        engine,
        model,
        optimizer,
        settings,
        params,
        firstStep: nextStep,
        carried: carried?.model === model ? carried?.by : undefined,
        onStep,
        onError,
      });
      onTrainingEnd(model, end);
    },
    batchBegin: () => void (batchBeganMs = performance.now()),
    epochBegin: () => void (batchEndedMs = undefined),
    batchEnd(logs) {
      if (watch === undefined) return undefined;
      const { prefix, isFirst } = watch;
      const endMs = stepMadeMs ?? performance.now();
      stepMadeMs = undefined;
      // A data set is asked between two batches; the samples of fit lie there already.
      const waitedMs = params.samples == null && batchEndedMs !== undefined ? batchBeganMs - batchEndedMs : undefined;
      const { batch: _batch, size, loss, ...metrics } = logs;
      const stepMs = endMs - batchBeganMs;
      const batchSize = numberOf(size);
      firstEpoch.addStep(batchSize ?? 0);
      const at = watch.step();
      const finished = watch.finishStep({
        loss: numberOf(loss),
        stepMs,
        record: {
          stepTimeMs: stepMs + (waitedMs ?? 0),
          ...present("dataWaitMs", waitedMs),
          ...present("batchSize", batchSize),
        },
      });
      const numbers = numbersOf(isFirst ? metrics : { ...metrics, loss }, `${prefix}batch/`);
      if (Object.keys(numbers).length > 0) run.log(numbers, { step: at });
      const done = (): void => {
        batchEndedMs = performance.now();
        if (model !== undefined && run.shouldStop()) model.stopTraining = true;
      };
      return finished instanceof Promise ? finished.then(done) : done();
    },
    epochEnd(epoch, logs) {
      if (watch === undefined) return undefined;
      const { prefix, isFirst } = watch;
      const at = watch.step() - 1;
      if (at < settings.initialStep) return undefined;
      run.log({ [`${prefix}epoch`]: epoch, ...numbersOf(logs, prefix) }, { step: at });
      const samples = firstEpoch.samples();
      const facts = firstEpoch.end(params, settings.initialStep);
      if (isFirst && facts !== undefined) run.describe(facts);
      return watch.finishEpoch(samples);
    },
    end,
  };
}

const NO_MODEL =
  "tfjs did not tell the callback its model, so there are no weights and gradients. Either two copies of tfjs are loaded: " +
  "give the one that trains, gradwatchCallback(run, { tf }). Or it stands in a list after a plain object: make that one a " +
  "new tf.CustomCallback({ … }).";

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/**
 * Means over an epoch keep tfjs's names (loss, val_loss, acc, val_acc) and so lie on one chart; a batch's own metrics go
 * under "batch/". Its loss is in the step record, which a run has only one of at a step.
 */
function numbersOf(logs: Logs, prefix: string): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [key, value] of Object.entries(logs)) if (typeof value === "number") numbers[prefix + key] = value;
  return numbers;
}
