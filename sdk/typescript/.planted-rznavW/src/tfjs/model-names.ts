// Tells several models that log into one run apart: the first one's tensors and metrics go by their own names, every
// later one's under the name it was given, or "model_2", "model_3", ... in the order in which they began to train.
// The first one also owns what a run has once: step records and facts.

import type * as tf from "@tensorflow/tfjs";
import type { Run } from "../types.ts";

export interface ModelPlace {
  /** Put before names: empty, or ends with "/". */
  readonly prefix: string;
  readonly first: boolean;
}

interface RunModels {
  readonly places: WeakMap<tf.LayersModel, ModelPlace>;
  count: number;
}

const runs = new WeakMap<Run, RunModels>();

/** The same model keeps its place over several calls of fit. */
export function placeInRun(run: Run, model: tf.LayersModel, name: string | undefined): ModelPlace {
  const models = runs.get(run) ?? { places: new WeakMap<tf.LayersModel, ModelPlace>(), count: 0 };
  runs.set(run, models);
  const earlier = models.places.get(model);
  if (earlier !== undefined) return earlier;
  models.count += 1;
  const first = models.count === 1;
  const place = { first, prefix: name !== undefined ? `${name}/` : first ? "" : `model_${models.count}/` };
  models.places.set(model, place);
  return place;
}
