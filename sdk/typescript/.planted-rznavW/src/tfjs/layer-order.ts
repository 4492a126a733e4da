// The layers of a model from the input side to the loss, models inside the model opened up. tfjs sorts a model's
// `layers` by depth already; a nested model's layers take the place of the nested model.

import type * as tf from "@tensorflow/tfjs";

export type Layer = tf.layers.Layer;

export interface OrderedLayer {
  readonly layer: Layer;
  /** The layer's name, after the names of the models that it is in: "encoder/dense_1". */
  readonly path: string;
  readonly topologicalIndex: number;
}

export function layersInOrder(model: tf.LayersModel): OrderedLayer[] {
  return flatten(model, "").map((entry, topologicalIndex) => ({ ...entry, topologicalIndex }));
}

function flatten(model: tf.LayersModel, parents: string): { layer: Layer; path: string }[] {
  return model.layers.flatMap((layer) => {
    const path = parents + layer.name;
    return isModel(layer) ? flatten(layer, `${path}/`) : [{ layer, path }];
  });
}

/** Duck-typed, because the user's copy of tfjs need not be ours. */
export function isModel(layer: Layer): layer is tf.LayersModel {
  return Array.isArray((layer as { layers?: unknown }).layers);
}

/** Layers with weights on the longest path from an input to an output. */
export function depthOf(model: tf.LayersModel): number {
  const depths = new Map<Layer, number>();
  for (const layer of model.layers) {
    const before = inboundLayers(layer).map((inbound) => depths.get(inbound) ?? 0);
    const own = isModel(layer) ? depthOf(layer) : layer.weights.length > 0 ? 1 : 0;
    depths.set(layer, Math.max(0, ...before) + own);
  }
  return Math.max(0, ...depths.values());
}

function inboundLayers(layer: Layer): readonly Layer[] {
  return layer.inboundNodes.flatMap((node) => node.inboundLayers);
}
