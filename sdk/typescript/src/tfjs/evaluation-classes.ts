// Counts labels and predictions of an evaluation. Its batches run inside of tfjs's own loop, where nothing can be waited for: where an
// accelerator has them, the class indices of each are kept as a small tensor, and read when it is over.

import type * as tf from "@tensorflow/tfjs";
import type { ClassRecordValues } from "../types.ts";
import { classesOf, classIndices, createClassWindow } from "./class-counts.ts";
import { createReadings, roadOf, valuesNow, valuesOfTensor } from "./readings.ts";
import type { OutputLoss } from "./step-reading.ts";

export interface EvaluationFindings {
  /** Of a classifier; undefined of anything else. */
  readonly classes: ClassRecordValues | undefined;
  /** Seen by the first output's loss. */
  readonly samples: number;
}

export interface EvaluationClasses {
  add(output: number, labels: tf.Tensor, predictions: tf.Tensor): void;
  /** Since the last call; undefined: there was no evaluation. */
  take(): EvaluationFindings | undefined | Promise<EvaluationFindings>;
  dispose(): void;
}

/** Batches of one evaluation whose indices are kept. */
const BATCHES_MAX = 10_000;

export function createEvaluationClasses(engine: typeof tf, losses: readonly OutputLoss[]): EvaluationClasses {
  const window = createClassWindow("evaluation");
  let kept: { readonly classes: number; readonly indices: tf.Tensor }[] = [];
  let counted: number | undefined;
  let samples = 0;
  return {
    add(output, labels, predictions) {
      if (output === 0) samples += predictions.shape[0] ?? 0;
      const loss = losses[output];
      const classes = classesOf(loss?.kind, predictions);
      counted ??= classes === undefined ? undefined : output;
      if (classes === undefined || output !== counted || kept.length >= BATCHES_MAX) return;
      const reduction = classIndices(labels, predictions, loss?.isFromLogits === true);
      if (roadOf(engine) === "memory") window.add(classes, reduction.inMemory(valuesNow));
      else kept.push({ classes, indices: engine.keep(engine.tidy(() => reduction.onBackend(engine))) });
    },
    take() {
      if (samples === 0) return undefined;
      const batches = kept;
      const seen = samples;
      kept = [];
      samples = 0;
      const readings = createReadings(engine);
      const read = batches.map(({ classes, indices }) => ({ classes, values: readings.add(valuesOfTensor(indices)) }));
      const running = readings.run();
      const done = (): EvaluationFindings => {
        for (const { indices } of batches) indices.dispose();
        for (const { classes, values } of read) window.add(classes, values());
        return { classes: window.take(), samples: seen };
      };
      return running instanceof Promise ? running.then(done) : done();
    },
    dispose: () => kept.splice(0).forEach(({ indices }) => indices.dispose()),
  };
}
