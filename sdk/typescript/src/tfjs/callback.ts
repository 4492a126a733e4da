// The callback for `model.fit` and `model.fitDataset`: tells tfjs's events to a training watch. It is a tf.CustomCallback, so that training still
// yields to the event loop, over which points leave the process, and so that it goes together with other callbacks that are instances (tf.callbacks.*).

import type * as tf from "@tensorflow/tfjs";
import type { Run } from "../types.ts";
import { findTfjs } from "./find-tfjs.ts";
import { guardTraining } from "./guard.ts";
import { type TrainingWatch, watchTraining } from "./training-watch.ts";
import { type WatchOptions, watchSettings } from "./watch-settings.ts";

export interface GradwatchCallbackOptions extends WatchOptions {
  /** When training lets the event loop run, as in fit's `yieldEvery`, which tfjs ignores for callback instances. Default "auto": about every 125 ms. */
  readonly yieldEvery?: "auto" | "batch" | "epoch" | "never" | number;
}

/**
 * Logs a training: loss, learning rate and gradient norm of every step, metrics, and summaries of weights, gradients, updates, activations, inputs
 * and classes. Stops it (`model.stopTraining`) when the run is asked to stop.
 *
 * @throws Where no tfjs is installed; nothing later.
 * @example
 * const run = init({ project: "digits" });
 * await model.fit(x, y, { epochs: 5, callbacks: gradwatchCallback(run) });
 * await run.finish();
 */
export function gradwatchCallback(run: Run, options: GradwatchCallbackOptions = {}): tf.CustomCallback {
  const engine = options.tf ?? findTfjs();
  const guard = guardTraining("gradwatchCallback");
  const watch = watchTraining({ run, engine, settings: watchSettings(options, guard.report), onError: guard.report });
  const events = {
    onTrainBegin: async () => guard.run(() => watch.begin()),
    onBatchBegin: async () => guard.run(() => watch.batchBegin()),
    onBatchEnd: async (_batch: number, logs?: object) => guard.run(() => watch.batchEnd({ ...logs })),
    onEpochBegin: async () => guard.run(() => watch.epochBegin()),
    onEpochEnd: async (epoch: number, logs?: object) => guard.run(() => watch.epochEnd(epoch, { ...logs })),
    onTrainEnd: async () => guard.run(() => watch.end()),
  };
  return boundToItself(learnModel(new engine.CustomCallback(events, options.yieldEvery ?? "auto"), watch));
}

/**
 * Another copy of tfjs takes this object for a plain one and calls its methods as its own, which would call themselves for ever. Bound, they
 * come here, where it is told what to do then.
 */
function boundToItself(callback: tf.CustomCallback): tf.CustomCallback {
  for (const name of ["onTrainBegin", "onTrainEnd", "onEpochBegin", "onEpochEnd", "onBatchBegin", "onBatchEnd"] as const) {
    callback[name] = callback[name].bind(callback) as never;
  }
  return callback;
}

/** A CustomCallback is not told its model and keeps fit's parameters to itself. */
function learnModel(callback: tf.CustomCallback, watch: TrainingWatch): tf.CustomCallback {
  callback.setModel = (model) => watch.setModel(model as unknown as tf.LayersModel);
  const setParams = callback.setParams.bind(callback);
  callback.setParams = (params) => {
    setParams(params);
    watch.setParams(params);
  };
  return callback;
}
