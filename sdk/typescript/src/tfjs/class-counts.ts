// Counts labels and predictions of a classifier: which class is which is told from the loss and the shapes. Labels may be one-hot or numbers; two
// classes may share one output. Of sequences every position counts.

import type * as tf from "@tensorflow/tfjs";
import type { ClassRecordValues, LossKind } from "../types.ts";

/** As the wire bounds it. */
const CLASSES_MAX = 64;
/** Samples of one batch that are counted; the first ones, of more. */
const COUNTED_MAX = 16_384;

/** How many classes an output tells apart; undefined where it is no classifier, or one of more classes than can be counted. */
export function classesOf(lossKind: LossKind | undefined, predictions: tf.Tensor): number | undefined {
  const width = predictions.shape.at(-1) ?? 0;
  if (lossKind === "binary-cross-entropy") return width === 1 ? 2 : undefined;
  if (lossKind !== "cross-entropy" || width < 2 || width > CLASSES_MAX) return undefined;
  return width;
}

/** [2, n], int32: label and prediction of every sample; to be called in a tidy. */
export function classIndices(labels: tf.Tensor, predictions: tf.Tensor, isFromLogits: boolean): tf.Tensor {
  const width = predictions.shape.at(-1) as number;
  const isOneHot = labels.rank === predictions.rank && labels.shape.at(-1) === width && width > 1;
  const above = (tensor: tf.Tensor, threshold: number): tf.Tensor => tensor.greater(threshold).toInt().flatten();
  const truth = width === 1 ? above(labels, 0.5) : isOneHot ? labels.argMax(-1).flatten() : labels.toInt().flatten();
  const guess = width === 1 ? above(predictions, isFromLogits ? 0 : 0.5) : predictions.argMax(-1).flatten();
  const count = Math.min(truth.size, guess.size, COUNTED_MAX);
  return truth.slice(0, count).toInt().stack(guess.slice(0, count).toInt());
}

export interface ClassWindow {
  /** @param indices Labels, then predictions. */
  add(classes: number, indices: ArrayLike<number>): void;
  readonly samples: () => number;
  /** Of all that was added since the last call; undefined: nothing was. */
  take(): ClassRecordValues | undefined;
}

export function createClassWindow(phase: "train" | "evaluation"): ClassWindow {
  let samples = 0;
  let confusion: number[][] = [];
  return {
    add(classes, indices) {
      if (confusion.length !== classes) {
        confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
        samples = 0;
      }
      const count = indices.length / 2;
      for (let i = 0; i < count; i++) {
        const row = confusion[indices[i] as number];
        const prediction = indices[count + i] as number;
        // A label outside of the classes is the loss function's to complain about.
        if (row === undefined || row[prediction] === undefined) continue;
        row[prediction] += 1;
        samples += 1;
      }
    },
    samples: () => samples,
    take() {
      if (samples === 0) return undefined;
      const counted = confusion;
      samples = 0;
      confusion = [];
      return {
        phase,
        labelCounts: counted.map((row) => row.reduce((sum, count) => sum + count, 0)),
        predictionCounts: counted.map((_row, prediction) => counted.reduce((sum, row) => sum + (row[prediction] as number), 0)),
        confusion: counted,
      };
    },
  };
}
