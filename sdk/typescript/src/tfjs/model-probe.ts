// Sees what a model computes in one run of its loss function: inputs, layers, recurrent states, labels and outputs. It listens only while a pass is
// looked at; otherwise each wrapped function costs one comparison.

import type * as tf from "@tensorflow/tfjs";
import type { ForwardPass } from "./forward-pass.ts";
import { functionalModel, isModel, type Layer, layersInOrder, nodesIn } from "./layer-order.ts";
import { listed, probeLayer } from "./layer-probe.ts";
import { override, type Override } from "./override.ts";
import type { OwnTime } from "./own-time.ts";
import { probeCells } from "./recurrent-probe.ts";

export interface ModelProbeOptions {
  readonly engine: typeof tf;
  readonly model: tf.LayersModel;
  readonly prefix: string;
  readonly pass: () => ForwardPass | undefined;
  /** A compiled model's loss was computed outside of a pass: evaluation. */
  readonly onEvaluation: (output: number, labels: tf.Tensor, predictions: tf.Tensor) => void;
  readonly isTraining: () => boolean;
  readonly ownTime: OwnTime;
  readonly onError: (error: unknown) => void;
}

export function probeModel(options: ModelProbeOptions): Override {
  const model = functionalModel(options.model);
  const outputs = new Set<object>(model.outputs.map((output) => outputLayer(output.sourceLayer)));
  const layers = layersInOrder(options.model);
  const overrides = [
    ...layers.flatMap((layer) => probeLayer(layer, { ...options, outputs }) ?? []),
    ...layers.flatMap((layer) => probeCells(layer, options)),
    ...probeInputs(model, options),
    ...probeLosses(model, options),
  ];
  return { remove: () => overrides.toReversed().forEach((one) => one.remove()) };
}

/** Of a model inside the model, the layer inside that makes its (first) output. */
function outputLayer(layer: Layer): Layer {
  if (!isModel(layer)) return layer;
  const inner = functionalModel(layer).outputs[0]?.sourceLayer;
  return inner === undefined ? layer : outputLayer(inner);
}

interface GraphNode {
  readonly outboundLayer: Layer;
  readonly inboundLayers: readonly Layer[];
}
type Call = (inputs: tf.Tensor | tf.Tensor[], kwargs: unknown) => unknown;

/** Input layers are never called: inputs are seen where they are consumed first. */
function probeInputs(model: tf.LayersModel, { prefix, pass, onError }: ModelProbeOptions): Override[] {
  return model.inputs.flatMap((input, index) => {
    const source = input.sourceLayer;
    const node = (source as unknown as { outboundNodes: readonly GraphNode[] }).outboundNodes.find(({ outboundLayer }) =>
      model.layers.includes(outboundLayer),
    );
    if (node === undefined) return [];
    const place = node.inboundLayers.indexOf(source);
    const consumer = node.outboundLayer as unknown as { call: Call };
    // A shared layer takes several inputs, one a call.
    const inModel = nodesIn(model, node.outboundLayer) as unknown as readonly GraphNode[];
    // A Sequential that was never run has no graph yet, and shares nothing.
    const nodes = inModel.length === 0 ? [node] : inModel;
    const asking = {};
    return [
      override<"call", Call>(consumer, "call", (original, isActive) => (inputs, kwargs) => {
        const looked = isActive() ? pass() : undefined;
        const tensor = listed(inputs)[place];
        try {
          if (looked !== undefined && tensor !== undefined && looked.callOf(asking, nodes.length, listed(inputs)) === nodes.indexOf(node)) {
            if (index === 0) looked.addSamples(tensor.shape[0] ?? 0);
            if (looked.wants.inputs) {
              const name = `${prefix}${source.name}`;
              const meta = {
                kind: "input" as const,
                layer: name,
                topologicalIndex: 0,
                dtype: tensor.dtype,
                shape: tensor.shape.slice(1),
                phase: "train" as const,
              };
              looked.see({ name, meta, ...(tensor.rank < 2 ? {} : { unitAxis: tensor.rank - 1 }) }, tensor);
            }
          }
        } catch (error) {
          onError(error);
        }
        return original.call(consumer, inputs, kwargs);
      }),
    ];
  });
}

type LossFunction = (labels: tf.Tensor, predictions: tf.Tensor) => tf.Tensor;

/** A compiled model's, one an output: the only place where labels meet predictions. */
function probeLosses(model: tf.LayersModel, options: ModelProbeOptions): Override[] {
  const { lossFunctions } = model as unknown as { lossFunctions?: LossFunction[] };
  if (!Array.isArray(lossFunctions)) return [];
  return lossFunctions.map((_loss, output) =>
    override<string, LossFunction>(lossFunctions as never, String(output), (original, isActive) => (labels, predictions) => {
      try {
        if (isActive()) {
          const looked = options.pass();
          if (looked?.wants.labels === true) looked.seeLabels(output, { labels, predictions });
          else if (looked === undefined && !options.isTraining()) options.onEvaluation(output, labels, predictions);
        }
      } catch (error) {
        options.onError(error);
      }
      return original(labels, predictions);
    }),
  );
}
