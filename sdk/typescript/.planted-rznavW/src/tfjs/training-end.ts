// Tells when `fit` or `fitDataset` ends, also when it throws: tfjs calls no callback then, but it always sets
// `model.isTraining` back to false in a finally block. So that field is an accessor while training lasts, and what it
// was before afterwards.

import type * as tf from "@tensorflow/tfjs";

/** Calls `onEnd` once, synchronously. */
export function onTrainingEnd(model: tf.LayersModel, onEnd: () => void): void {
  const before = Object.getOwnPropertyDescriptor(model, "isTraining");
  // Another version of tfjs: the caller still hears of the regular end through onTrainEnd.
  if (before === undefined) return;
  Object.defineProperty(model, "isTraining", {
    get: () => true,
    set: (value: boolean) => {
      if (value) return;
      Object.defineProperty(model, "isTraining", before);
      // Through the front door: a second watcher of the same model put its accessor there.
      (model as unknown as { isTraining: boolean }).isTraining = value;
      onEnd();
    },
    enumerable: true,
    configurable: true,
  });
}
