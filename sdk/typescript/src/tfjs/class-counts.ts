// Counts labels and predictions of a classifier: which class is which is told from the loss and the shapes. Labels may be one-hot or numbers; two
// classes may share one output. Of sequences every position counts.

import type * as tf from "@tensorflow/tfjs";
import type { ClassRecordValues, LossKind } from "../types.ts";
import type { Reduction } from "./readings.ts";

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

/** Of every sample that is counted: its label, after all labels its prediction. */
export function classIndices(labels: tf.Tensor, predictions: tf.Tensor, isFromLogits: boolean): Reduction<ArrayLike<number>> {
  const width = predictions.shape.at(-1) as number;
  const isOneHot = labels.rank === predictions.rank && labels.shape.at(-1) === width && width > 1;
  const count = Math.min(isOneHot ? labels.size / width : labels.size, predictions.size / width, COUNTED_MAX);
  const threshold = isFromLogits ? 0 : 0.5;
  return {
    onBackend(engine) {
      const above = (tensor: tf.Tensor, limit: number): tf.Tensor => tensor.flatten().greater(limit);
      const truth = width === 1 ? above(labels, 0.5) : isOneHot ? labels.argMax(-1).flatten() : labels.toInt().flatten();
      const guess = width === 1 ? above(predictions, threshold) : predictions.argMax(-1).flatten();
      return engine.concat1d([truth, guess].map((indices) => indices.slice(0, count).toFloat() as tf.Tensor1D));
    },
    decode: (row) => row.slice(),
    inMemory(valuesOf) {
      const [truth, guess] = [valuesOf(labels), valuesOf(predictions)];
      const indices = new Int32Array(2 * count);
      for (let i = 0; i < count; i++) {
        const label = truth[i] as number;
        indices[i] = width === 1 ? Number(label > 0.5) : isOneHot ? largestOf(truth, i * width, width) : label;
        indices[count + i] = width === 1 ? Number((guess[i] as number) > threshold) : largestOf(guess, i * width, width);
      }
      return indices;
    },
  };
}

/** Index, from `from` on, of the first of the largest. */
function largestOf(values: ArrayLike<number>, from: number, count: number): number {
  let largest = 0;
  for (let i = 1; i < count; i++) if ((values[from + i] as number) > (values[from + largest] as number)) largest = i;
  return largest;
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
