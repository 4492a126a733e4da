// What the network looks at, as pictures: the kernels of convolutions, and what each unit of the first layer weighs its inputs with where these are a
// picture. One input channel is grey, three are colours, of more the mean is drawn. All filters share one scale, symmetric around grey = 0,
// so that a dead one is plain grey beside its neighbours.

import type * as tf from "@tensorflow/tfjs";
import type { Pixels } from "../types.ts";
import { drawTiles, rangeOf, type Tiles, tilesShown } from "./image-grid.ts";
import { type Layer, layersInOrder } from "./layer-order.ts";
import type { NamedWeight } from "./named-weights.ts";
import { type Readings, valuesOfTensor } from "./readings.ts";
import type { HeldTensor } from "./step-capture.ts";

export interface NamedImage {
  readonly name: string;
  readonly pixels: Pixels;
  readonly caption: string;
}

/** [height, width, input channels, filters], in whose order the kernel's values lie. */
export type KernelShape = readonly [number, number, number, number];

/** Which weights have a picture, and what of; by name. */
export function drawableWeights(model: tf.LayersModel, weights: readonly NamedWeight[]): ReadonlyMap<string, KernelShape> {
  const kernels = weights.filter(({ meta }) => meta.role === "kernel");
  const first = kernels[0];
  const picture = pictureInput(model);
  return new Map(
    kernels.flatMap((weight) => {
      const shape = kernelShape(weight.variable.shape, weight.name, weight === first ? picture : undefined, weight === first);
      return shape === undefined ? [] : [[weight.name, shape] as const];
    }),
  );
}

function kernelShape(shape: readonly number[], name: string, picture: PictureShape | undefined, isFirst: boolean): KernelShape | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = shape;
  // Each channel of a depthwise convolution has filters of its own.
  if (shape.length === 4) return name.endsWith("depthwise_kernel") ? [a, b, 1, c * d] : [a, b, c, d];
  if (!isFirst) return undefined;
  // A convolution in one dimension: time downwards, channels to the right.
  if (shape.length === 3) return [a, b, 1, c];
  if (shape.length !== 2) return undefined;
  if (picture !== undefined && picture.height * picture.width * picture.channels === a)
    return [picture.height, picture.width, picture.channels, b];
  const side = Math.sqrt(a);
  return Number.isInteger(side) && side >= SQUARE_MIN ? [side, side, 1, b] : undefined;
}

/** Fewer inputs that happen to be a square number are hardly a picture. */
const SQUARE_MIN = 8;

export interface PictureShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Of the model's input, where it is a picture, channels last. */
export function pictureInput(model: tf.LayersModel): PictureShape | undefined {
  const shape = model.inputs[0]?.shape ?? inputShapeOf(layersInOrder(model)[0]?.layer);
  const [, height, width, channels] = shape ?? [];
  return shape?.length === 4 && height != null && width != null && channels != null ? { height, width, channels } : undefined;
}

const inputShapeOf = (layer: Layer | undefined): tf.Shape | undefined =>
  (layer as { batchInputShape?: tf.Shape } | undefined)?.batchInputShape;

/** One image a weight; drawn once everything is read. */
export function addWeightImages(
  readings: Readings,
  weights: readonly HeldTensor[],
  drawable: ReadonlyMap<string, KernelShape>,
): (() => NamedImage)[] {
  return weights.flatMap(({ weight, tensor }) => {
    const shape = drawable.get(weight.name);
    if (shape === undefined) return [];
    const values = readings.add(valuesOfTensor(tensor));
    return [() => ({ name: `filters/${weight.meta.layer ?? weight.name}`, ...drawFilters(values(), shape) })];
  });
}

export function drawFilters(kernel: ArrayLike<number>, [height, width, inputs, filters]: KernelShape): Omit<NamedImage, "name"> {
  const channels = inputs === 3 ? 3 : 1;
  const tiles: Tiles = {
    count: filters,
    height,
    width,
    channels,
    valueAt(f, y, x, channel) {
      const at = (input: number): number => kernel[((y * width + x) * inputs + input) * filters + f] as number;
      if (channels === 3 || inputs === 1) return at(channel);
      let sum = 0;
      for (let input = 0; input < inputs; input++) sum += at(input);
      return sum / inputs;
    },
  };
  const { min, max } = rangeOf(tiles);
  const largest = Math.max(max, -min);
  const shown = tilesShown(tiles);
  const of = shown < filters ? `the first ${shown} of ${filters} filters` : `${filters} filters`;
  const mean = inputs !== 1 && inputs !== 3 ? `, mean over ${inputs} inputs` : "";
  return {
    pixels: drawTiles(tiles, { black: -largest, white: largest }),
    caption: `${of}, ${height} × ${width}${mean}; white is +${largest.toPrecision(3)}, black is −${largest.toPrecision(3)}`,
  };
}
