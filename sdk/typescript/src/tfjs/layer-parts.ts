// What a layer consists of, told from its public shape, because classes of the user's copy of tfjs need not be ours: the activation function inside
// it, the cells of a recurrent layer, the layers inside a wrapper.

import type * as tf from "@tensorflow/tfjs";
import { flatIntervals, flatIntervalsOfLayer, type Interval } from "./activation-functions.ts";
import type { Layer } from "./layer-order.ts";

/** The object that tfjs makes of an activation's name; each layer has its own. */
export interface ActivationFunction {
  apply(x: tf.Tensor, ...more: unknown[]): tf.Tensor;
  getClassName(): string;
}

/** Whatever has an activation function: a layer, the cell of a recurrent one. */
export interface ActivationOwner {
  activation?: ActivationFunction | null;
  /** Of the gates. */
  recurrentActivation?: ActivationFunction | null;
}

export interface Cell extends ActivationOwner {
  call(inputs: tf.Tensor[], kwargs: unknown): tf.Tensor[];
}

export interface NamedPart<Part> {
  readonly part: Part;
  /** Behind the layer's name: empty, or begins with "/". */
  readonly suffix: string;
}

interface Shape {
  readonly cell?: Cell & { readonly cells?: readonly Cell[] };
  readonly layer?: Layer & ActivationOwner;
  readonly forwardLayer?: Layer;
  readonly backwardLayer?: Layer;
}

/** The cells of a recurrent layer, stacked ones in order, both directions of a bidirectional one. */
export function cellsOf(layer: Layer): NamedPart<Cell>[] {
  const { cell, forwardLayer, backwardLayer } = layer as unknown as Shape;
  if (forwardLayer !== undefined && backwardLayer !== undefined) {
    const prefixed = (direction: string, of: Layer): NamedPart<Cell>[] =>
      cellsOf(of).map(({ part, suffix }) => ({ part, suffix: `/${direction}${suffix}` }));
    return [...prefixed("forward", forwardLayer), ...prefixed("backward", backwardLayer)];
  }
  if (cell === undefined || typeof cell.call !== "function") return [];
  return cell.cells === undefined
    ? [{ part: cell, suffix: "" }]
    : cell.cells.map((one, index) => ({ part: one, suffix: `/cell_${index}` }));
}

/** What holds the activation functions of a layer. */
export function activationOwners(layer: Layer): NamedPart<ActivationOwner>[] {
  const cells = cellsOf(layer);
  if (cells.length > 0) return cells;
  const inner = (layer as unknown as Shape).layer;
  return [{ part: (inner ?? layer) as ActivationOwner, suffix: "" }];
}

export const nameOfFunction = (activation: ActivationFunction | null | undefined): string | undefined =>
  typeof activation?.getClassName === "function" ? activation.getClassName() : undefined;

const ACTIVATION_LAYERS: Readonly<Record<string, string>> = {
  ReLU: "relu",
  LeakyReLU: "leakyRelu",
  PReLU: "prelu",
  ELU: "elu",
  Softmax: "softmax",
};

/** A layer that is an activation function and nothing else, and where it is flat. `Activation` has its function inside and is none of these. */
export function activationLayer(layer: Layer): { readonly name: string; readonly intervals: readonly Interval[] | undefined } | undefined {
  const className = layer.getClassName();
  const name = ACTIVATION_LAYERS[className];
  return name === undefined ? undefined : { name, intervals: flatIntervalsOfLayer(className, layer.getConfig()) };
}

/** The function through which the values of a layer's output went last: "linear" where there is none. */
export function activationName(layer: Layer): string {
  return activationLayer(layer)?.name ?? nameOfFunction(activationOwners(layer)[0]?.part.activation) ?? "linear";
}

export const intervalsOf = (activation: ActivationFunction): readonly Interval[] | undefined => flatIntervals(activation.getClassName());

/** Whether its output is worth a summary: it has weights, or is an activation function. */
export function isObserved(layer: Layer): boolean {
  return layer.weights.length > 0 || activationLayer(layer) !== undefined || layer.getClassName() === "Activation";
}
