// The layers of a model from the input side to the loss, models inside the model opened up. tfjs sorts a model's
// `layers` by depth already; a nested model's layers take the place of the nested model.

import type * as tf from "@tensorflow/tfjs";

export type Layer = tf.layers.Layer;

export interface OrderedLayer {
  readonly layer: Layer;
  /** The layer's name, after the names of the models that it is in: "encoder/dense_1". */
  readonly path: string;
  readonly topologicalIndex: number;
  /** How often one run through the model calls it: more than once where it is shared. */
  readonly calls: number;
  /** It and every model that it is in: a frozen model's layers do not learn. */
  readonly trainable: boolean;
}

export function layersInOrder(model: tf.LayersModel): OrderedLayer[] {
  return flatten(model, { path: "", calls: 1, trainable: true }).map((entry, topologicalIndex) => ({ ...entry, topologicalIndex }));
}

type Place = Pick<OrderedLayer, "path" | "calls" | "trainable">;

function flatten(model: tf.LayersModel, outer: Place): Omit<OrderedLayer, "topologicalIndex">[] {
  return model.layers.flatMap((layer) => {
    const calls = outer.calls * Math.max(1, nodesIn(model, layer).length);
    const place = { path: outer.path + layer.name, calls, trainable: outer.trainable && learns(layer) };
    return isModel(layer) ? flatten(layer, { ...place, path: `${place.path}/` }) : [{ layer, ...place }];
  });
}

/** A model that is frozen freezes the weights inside, whatever its layers say. */
const learns = (layer: Layer): boolean =>
  layer.trainable && (layer.weights.length === 0 || layer.weights.some(({ trainable }) => trainable));

/** A Sequential keeps what it is made of in a model inside. */
export function functionalModel(model: tf.LayersModel): tf.LayersModel {
  return (model as { model?: tf.LayersModel | null }).model ?? model;
}

/** Places of this layer in the model's graph: a layer may be part of other graphs, too. */
export function nodesIn(model: tf.LayersModel, layer: Layer): Layer["inboundNodes"] {
  const { containerNodes } = functionalModel(model) as unknown as { containerNodes?: ReadonlySet<string> };
  return layer.inboundNodes.filter((_node, index) => containerNodes?.has(`${layer.name}_ib-${index}`));
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
