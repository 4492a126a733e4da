// For training loops written by hand: sees every step by itself, whether its gradients come from `optimizer.minimize`, `tf.variableGrads` or
// `model.trainOnBatch`, and logs it as the callback does for `fit`.

import type * as tf from "@tensorflow/tfjs";
import type { Run } from "../types.ts";
import { findTfjs } from "./find-tfjs.ts";
import { guardTraining } from "./guard.ts";
import { type ModelWatch, watchModel } from "./model-watch.ts";
import { type WatchOptions, watchSettings } from "./watch-settings.ts";

export interface ModelWatchingOptions extends WatchOptions {
  /** The one that trains the model. Default: the model's own, if it is compiled. */
  readonly optimizer?: tf.Optimizer;
}

export interface Watcher {
  /** Of the last step that was made; -1 before the first. For `run.log(…, { step })`. */
  readonly step: number;
  /** Ends watching; model and optimiser are as they were. */
  stop(): void;
}

/**
 * Logs each step that the optimiser makes: loss, learning rate, gradient norm before clipping, and summaries of weights, gradients, updates and activations.
 *
 * @throws Where no tfjs is installed; nothing later.
 * @example
 * const watcher = watch(model, run, { optimizer });
 * for (const [x, y] of batches) optimizer.minimize(() => tf.losses.meanSquaredError(y, model.predict(x)));
 * watcher.stop();
 */
export function watch(model: tf.LayersModel, run: Run, options: ModelWatchingOptions = {}): Watcher {
  const engine = options.tf ?? findTfjs();
  const guard = guardTraining("watch()");
  const settings = watchSettings(options, guard.report);
  const optimizer = options.optimizer ?? model.optimizer;
  let watching: ModelWatch | undefined;
  let stepEndedMs = performance.now();
  void guard.run(() => {
    if (optimizer === undefined)
      throw new TypeError("the model is not compiled, so it has no optimizer: pass it, watch(model, run, { optimizer })");
    watching = watchModel({
      run,
      engine,
      model,
      optimizer,
      settings,
      params: {},
      firstStep: settings.initialStep,
      onStep() {
        const stepMs = performance.now() - stepEndedMs;
        const finished = watching?.finishStep({ stepMs, record: { stepTimeMs: stepMs } });
        stepEndedMs = performance.now();
        if (finished instanceof Promise) void finished.catch(guard.report);
      },
      onError: guard.report,
    });
  });
  return {
    get step() {
      return (watching?.step() ?? settings.initialStep) - 1;
    },
    stop: () => void guard.run(() => watching?.stop()),
  };
}
