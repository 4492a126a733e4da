// The callback for `model.fit` and `model.fitDataset`: tells tfjs's events to a training watch, and sees to it that no
// error of ours reaches training. It is a tf.CustomCallback, so that training still yields to the event loop, over which
// points leave the process, and so that it goes together with other callbacks that are instances (tf.callbacks.*).

import * as defaultEngine from "@tensorflow/tfjs";
import type { Run } from "../types.ts";
import { watchTraining } from "./training-watch.ts";
import type { TrainingWatch } from "./training-watch.ts";

export interface GradwatchCallbackOptions {
  /** Summarise weights and gradients every this many steps. Default 20: 1 to 2 % of a step's time. Infinity: only when a run begins or breaks. */
  readonly every?: number;
  /** Step of the next optimiser step, for a training that goes on. Default 0. */
  readonly initialStep?: number;
  /** Put before tensor and metric names; wanted where several models log into one run. */
  readonly name?: string;
  /** When training lets the event loop run, as in fit's `yieldEvery`, which tfjs ignores for callback instances. Default "batch". */
  readonly yieldEvery?: "auto" | "batch" | "epoch" | "never" | number;
  /** The tfjs that trains, where it is not the "@tensorflow/tfjs" that this package finds (tfjs-node's own copy, a bundle). */
  readonly tf?: typeof defaultEngine;
}

export const EVERY_DEFAULT = 20;

/**
 * Logs a training: loss, learning rate and gradient norm of every step, metrics, and summaries of every weight and gradient.
 * Stops it (`model.stopTraining`) when the run is asked to stop.
 *
 * @example
 * const run = init({ project: "digits" });
 * await model.fit(x, y, { epochs: 5, callbacks: gradwatchCallback(run) });
 * await run.finish();
 */
export function gradwatchCallback(run: Run, options: GradwatchCallbackOptions = {}): defaultEngine.CustomCallback {
  const engine = options.tf ?? defaultEngine;
  const guard = guardTraining();
  const watch = watchTraining({
    run,
    engine,
    every: checkedEvery(options.every, guard.report),
    initialStep: options.initialStep ?? 0,
    name: options.name,
    onError: guard.report,
  });
  const callback = new engine.CustomCallback(
    {
      onTrainBegin: () => guard.run(() => watch.begin()),
      onBatchBegin: () => guard.run(() => watch.batchBegin()),
      onBatchEnd: (_, logs) => guard.run(() => watch.batchEnd(logs ?? {})),
      onEpochEnd: (epoch, logs) => guard.run(() => watch.epochEnd(epoch, logs ?? {})),
      onTrainEnd: () => guard.run(() => watch.end()),
    },
    options.yieldEvery ?? "batch",
  );
  return learnModel(callback, watch);
}

/** A CustomCallback is not told its model and keeps fit's parameters to itself. */
function learnModel(callback: defaultEngine.CustomCallback, watch: TrainingWatch): defaultEngine.CustomCallback {
  callback.setModel = (model) => watch.setModel(model as unknown as defaultEngine.LayersModel);
  const setParams = callback.setParams.bind(callback);
  callback.setParams = (params) => {
    setParams(params);
    watch.setParams(params);
  };
  return callback;
}

interface Guard {
  run(step: () => void | Promise<void>): Promise<void>;
  report(error: unknown): void;
}

/** Errors of ours are told once, as a warning of the process, and training goes on. */
function guardTraining(): Guard {
  let told = false;
  const report = (error: unknown): void => {
    if (told) return;
    told = true;
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`gradwatchCallback failed and may miss points; training goes on. ${reason}`, "GradwatchWarning");
  };
  return {
    report,
    run: async (step) => {
      try {
        await step();
      } catch (error) {
        report(error);
      }
    },
  };
}

function checkedEvery(every: number | undefined, report: (error: unknown) => void): number {
  if (every === undefined) return EVERY_DEFAULT;
  if (every === Number.POSITIVE_INFINITY || (Number.isInteger(every) && every >= 1)) return every;
  report(new RangeError(`every is ${every}; it must be a whole number of steps >= 1, or Infinity. Using ${EVERY_DEFAULT}.`));
  return EVERY_DEFAULT;
}
