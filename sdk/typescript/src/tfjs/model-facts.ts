// What a model and fit's parameters say about task and network, for run.describe. States only what it can read; a loss function of
// the user's own, for instance, leaves loss kind and classes open, unless the user tells.

import type * as tf from "@tensorflow/tfjs";
import type { LayerFacts, LossKind, RunFacts } from "../types.ts";
import { depthOf, functionalModel, layersInOrder } from "./layer-order.ts";
import type { OrderedLayer } from "./layer-order.ts";
import { activationName } from "./layer-parts.ts";
import type { OutputLoss } from "./step-reading.ts";

/** What tfjs hands to `setParams`; fitDataset leaves open what the data set does not tell. */
export interface FitParams {
  readonly epochs?: number | null;
  readonly initialEpoch?: number | null;
  readonly samples?: number | null;
  readonly steps?: number | null;
  readonly batchSize?: number | null;
}

export interface ModelFactsOptions {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly losses: readonly OutputLoss[];
  readonly params: FitParams;
  readonly stepsBefore: number;
}

export function modelFacts({ model, optimizer, losses, params, stepsBefore }: ModelFactsOptions): RunFacts {
  // Of several outputs the first speaks for all.
  const lossKind = losses[0]?.kind;
  return defined({
    plannedSteps: plannedSteps(params, stepsBefore),
    lossKind,
    classes: classesOf(model, lossKind),
    parameters: sum(model.trainableWeights.map((weight) => elements(weight.shape))),
    depth: depthOf(model),
    layers: layersInOrder(model).map(layerFacts),
    trainSamples: params.samples ?? undefined,
    optimizer: optimizer.getClassName().toLowerCase(),
  });
}

const LOSS_KINDS: Readonly<Record<string, LossKind>> = {
  categoricalCrossentropy: "cross-entropy",
  sparseCategoricalCrossentropy: "cross-entropy",
  softmaxCrossEntropy: "cross-entropy",
  binaryCrossentropy: "binary-cross-entropy",
  sigmoidCrossEntropy: "binary-cross-entropy",
  meanSquaredError: "mean-squared-error",
  meanAbsoluteError: "mean-absolute-error",
  absoluteDifference: "mean-absolute-error",
  hinge: "hinge",
  hingeLoss: "hinge",
  squaredHinge: "hinge",
  categoricalHinge: "hinge",
  kullbackLeiblerDivergence: "kl-divergence",
};
/** They take logits, where Keras's take probabilities. */
const FROM_LOGITS: ReadonlySet<string> = new Set(["softmaxCrossEntropy", "sigmoidCrossEntropy"]);

/**
 * The loss of each output of a compiled model, which may be given as one, as a list, or by output; as a name or as a function of tfjs's own.
 * @param told By the user, for functions of their own.
 */
export function outputLosses(engine: typeof tf, given: tf.LayersModel, told: LossKind | undefined): OutputLoss[] {
  const model = functionalModel(given);
  const { loss } = given as { loss?: unknown };
  return model.outputs.map((output, index) => {
    // A Sequential that is not compiled has no names of its outputs yet.
    const name = model.outputNames[index] ?? output.sourceLayer.name;
    const own: unknown = Array.isArray(loss)
      ? loss[index]
      : typeof loss === "object" && loss !== null
        ? (loss as Readonly<Record<string, unknown>>)[name]
        : loss;
    const lossName = typeof own === "string" ? own : nameOfLoss(engine, own);
    const kind = told ?? (lossName === undefined ? undefined : (LOSS_KINDS[lossName] ?? "other"));
    return { name, kind, isFromLogits: lossName !== undefined && FROM_LOGITS.has(lossName) };
  });
}

/** A function of `tf.losses` or `tf.metrics` is known by itself. */
function nameOfLoss(engine: typeof tf, loss: unknown): string | undefined {
  if (typeof loss !== "function") return undefined;
  const known = Object.entries({ ...engine.metrics, ...engine.losses }) as unknown as [string, unknown][];
  return known.find(([name, value]) => value === loss && name in LOSS_KINDS)?.[0];
}

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

function layerFacts({ layer, path, topologicalIndex, trainable }: OrderedLayer): LayerFacts {
  const kernel = layer.weights.find((weight) => /(kernel|embeddings)$/.test(weight.originalName));
  const facts = defined({
    type: layer.getClassName(),
    activation: activationName(layer),
    ...fans(kernel),
    parameters: sum(layer.weights.map((weight) => elements(weight.shape))),
    trainable,
    topologicalIndex,
  });
  return { name: path, ...facts };
}

/**
 * Inputs that one output sees, outputs that one input reaches. A kernel is [...window, in, out]: each output sees window × in. A depthwise one is
 * [...window, channels, multiplier]: each output sees the window of one channel.
 */
function fans(kernel: tf.LayerVariable | undefined): { fanIn?: number; fanOut?: number } {
  if (kernel === undefined || kernel.shape.length < 2) return {};
  const window = elements(kernel.shape.slice(0, -2));
  const [inputs, outputs] = kernel.shape.slice(-2) as [number, number];
  return { fanIn: kernel.originalName.endsWith("depthwise_kernel") ? window : window * inputs, fanOut: window * outputs };
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
