// Gives every weight of a model a name that is unique in the model, the place of its layer in topological order and
// its role. Names follow the layers ("dense_1/kernel"), not tf.Variable names, which carry process-wide counters and so
// would differ between two runs of one script. Several models in one run are told apart by the caller's prefix.

import type * as tf from "@tensorflow/tfjs";
import type { TensorMeta, TensorRole } from "../types.ts";
import { layersInOrder } from "./layer-order.ts";

export interface NamedWeight {
  readonly name: string;
  readonly meta: TensorMeta;
  /** The tfjs variable behind it; its `name` is the key under which optimisers see the gradient. */
  readonly variable: tf.Variable;
}

export function namedWeights(model: tf.LayersModel, prefix: string): NamedWeight[] {
  const taken = new Set<string>();
  return layersInOrder(model).flatMap(({ layer, path, topologicalIndex }) =>
    layer.weights.map((weight) => {
      const within = pathWithinLayer(layer.name, weight.originalName);
      const role = roleOf(within);
      const name = unique(`${prefix}${path}/${within}`, taken);
      const variable = weight.read() as tf.Variable;
      const meta: TensorMeta = {
        layer: `${prefix}${path}`,
        topologicalIndex,
        dtype: variable.dtype,
        shape: variable.shape,
        phase: "train",
        ...(role === undefined ? {} : { role }),
      };
      return { name, meta, variable };
    }),
  );
}

/** "dense_1/kernel" → "kernel"; wrappers keep what tells their parts apart ("forward_lstm/kernel"). */
function pathWithinLayer(layerName: string, weightName: string): string {
  return weightName.startsWith(`${layerName}/`) ? weightName.slice(layerName.length + 1) : weightName;
}

function unique(name: string, taken: Set<string>): string {
  let candidate = name;
  for (let count = 1; taken.has(candidate); count += 1) candidate = `${name}_${count}`;
  taken.add(candidate);
  return candidate;
}

const ROLES: Readonly<Record<string, TensorRole>> = {
  kernel: "kernel",
  depthwise_kernel: "kernel",
  pointwise_kernel: "kernel",
  recurrent_kernel: "recurrent-kernel",
  bias: "bias",
  embeddings: "embedding",
  gamma: "normalization",
  beta: "normalization",
  moving_mean: "normalization",
  moving_variance: "normalization",
};

function roleOf(path: string): TensorRole | undefined {
  return ROLES[path.slice(path.lastIndexOf("/") + 1)];
}
