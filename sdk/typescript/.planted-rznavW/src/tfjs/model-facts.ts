// What a compiled model and fit's parameters say about task and network, for run.describe. States only what it can
// read; a loss function of the user's own, for instance, leaves loss kind and classes open.

import type * as tf from "@tensorflow/tfjs";
import type { LayerFacts, LossKind, RunFacts } from "../types.ts";
import { depthOf, layersInOrder } from "./layer-order.ts";
import type { Layer, OrderedLayer } from "./layer-order.ts";

/** What tfjs hands to `setParams`; fitDataset leaves open what the data set does not tell. */
export interface FitParams {
  readonly epochs?: number | null;
  readonly initialEpoch?: number | null;
  readonly samples?: number | null;
  readonly steps?: number | null;
  readonly batchSize?: number | null;
}

export function modelFacts(model: tf.LayersModel, params: FitParams, stepsBefore: number): RunFacts {
  const layers = layersInOrder(model);
  const lossName = typeof model.loss === "string" ? model.loss : undefined;
  const lossKind = lossName === undefined ? undefined : (LOSS_KINDS[lossName] ?? "other");
  return defined({
    plannedSteps: plannedSteps(params, stepsBefore),
    lossKind,
    classes: classesOf(model, lossKind),
    parameters: sum(model.trainableWeights.map((weight) => elements(weight.shape))),
    depth: depthOf(model),
    layers: layers.map(layerFacts),
    trainSamples: params.samples ?? undefined,
    optimizer: model.optimizer.getClassName().toLowerCase(),
  });
}

const LOSS_KINDS: Readonly<Record<string, LossKind>> = {
  categoricalCrossentropy: "cross-entropy",
  sparseCategoricalCrossentropy: "cross-entropy",
  binaryCrossentropy: "binary-cross-entropy",
  meanSquaredError: "mean-squared-error",
  meanAbsoluteError: "mean-absolute-error",
  hinge: "hinge",
  squaredHinge: "hinge",
  categoricalHinge: "hinge",
  kullbackLeiblerDivergence: "kl-divergence",
};

function plannedSteps(params: FitParams, stepsBefore: number): number | undefined {
  const { epochs, samples, batchSize } = params;
  const perEpoch = params.steps ?? (samples != null && batchSize != null ? Math.ceil(samples / batchSize) : undefined);
  if (epochs == null || perEpoch === undefined || !Number.isFinite(perEpoch)) return undefined;
  return stepsBefore + (epochs - (params.initialEpoch ?? 0)) * perEpoch;
}

function classesOf(model: tf.LayersModel, lossKind: LossKind | undefined): number | undefined {
  if (lossKind === "binary-cross-entropy") return 2;
  if (lossKind !== "cross-entropy") return undefined;
  return model.outputs[0]?.shape.at(-1) ?? undefined;
}

function layerFacts({ layer, path, topologicalIndex }: OrderedLayer): LayerFacts {
  const kernel = layer.weights.find((weight) => /(kernel|embeddings)$/.test(weight.originalName))?.shape;
  const facts = defined({
    type: layer.getClassName(),
    activation: activationOf(layer),
    // A convolution's kernel is [...window, in, out]: each output sees window × in inputs.
    fanIn: fan(kernel, -2),
    fanOut: fan(kernel, -1),
    parameters: sum(layer.weights.map((weight) => elements(weight.shape))),
    trainable: layer.trainable,
    topologicalIndex,
  });
  return { name: path, ...facts };
}

function activationOf(layer: Layer): string | undefined {
  const { activation } = layer as { activation?: { getClassName?: () => string } };
  return activation?.getClassName?.();
}

function fan(kernel: tf.Shape | undefined, axis: -1 | -2): number | undefined {
  const size = kernel?.at(axis);
  return kernel === undefined || size == null ? undefined : elements(kernel.slice(0, -2)) * size;
}

function elements(shape: tf.Shape): number {
  return shape.reduce<number>((product, size) => product * (size ?? 1), 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined: absent and undefined differ on the wire. */
function defined<T extends object>(record: T): Defined<T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Defined<T>;
}
