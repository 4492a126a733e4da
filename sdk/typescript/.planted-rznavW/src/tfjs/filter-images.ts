// What the first layers look for, as pictures: the kernels of convolutions as a grid of filters. One input channel is grey,
// three are colours, of more the mean is drawn. All filters share one scale, symmetric around grey = 0, so that a dead one is
// plain grey beside its neighbours.

import type * as tf from "@tensorflow/tfjs";
import type { Pixels } from "../types.ts";
import type { HeldTensor } from "./optimizer-hook.ts";

/** Filters of one picture: an 8 × 8 grid. */
const FILTERS_MAX = 64;
const COLUMNS = 8;
/** Pixels between filters. */
const GAP = 1;
/** A filter is drawn this large at least, each weight as a square. */
const SIDE_MIN = 16;

export interface FilterImage {
  readonly name: string;
  readonly pixels: Pixels;
  readonly caption: string;
}

/** Of the weights that are kernels of two-dimensional convolutions, [height, width, input channels, filters]. */
export async function filterImages(weights: readonly HeldTensor[]): Promise<FilterImage[]> {
  const kernels = weights.filter(({ weight, tensor }) => weight.meta.role === "kernel" && tensor.rank === 4);
  return await Promise.all(
    kernels.map(async ({ weight, tensor }) => ({
      name: `filters/${weight.meta.layer ?? weight.name}`,
      ...drawFilters(await tensor.data(), tensor.shape as [number, number, number, number]),
    })),
  );
}

export function drawFilters(
  kernel: tf.TypedArray,
  [height, width, inputs, filters]: readonly [number, number, number, number],
): Omit<FilterImage, "name"> {
  const shown = Math.min(filters, FILTERS_MAX);
  const channels = inputs === 3 ? 3 : 1;
  const zoom = Math.max(1, Math.ceil(SIDE_MIN / Math.max(height, width)));
  const columns = Math.min(COLUMNS, shown);
  const cell = { height: height * zoom + GAP, width: width * zoom + GAP };
  const image = { width: columns * cell.width - GAP, height: Math.ceil(shown / columns) * cell.height - GAP };
  /** Of filter `f` at (y, x): the channel's weight, or the mean over all inputs. */
  const weightAt = (y: number, x: number, channel: number, f: number): number => {
    const at = (input: number): number => kernel[((y * width + x) * inputs + input) * filters + f] as number;
    if (channels === 3) return at(channel);
    let sum = 0;
    for (let input = 0; input < inputs; input++) sum += at(input);
    return sum / inputs;
  };
  let largest = 0;
  for (let f = 0; f < shown; f++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let channel = 0; channel < channels; channel++) {
          const size = Math.abs(weightAt(y, x, channel, f));
          if (Number.isFinite(size) && size > largest) largest = size;
        }
      }
    }
  }
  // White between the filters.
  const data = new Uint8Array(image.width * image.height * channels).fill(255);
  for (let f = 0; f < shown; f++) {
    const [top, left] = [Math.floor(f / columns) * cell.height, (f % columns) * cell.width];
    for (let y = 0; y < height * zoom; y++) {
      for (let x = 0; x < width * zoom; x++) {
        for (let channel = 0; channel < channels; channel++) {
          const weight = weightAt(Math.floor(y / zoom), Math.floor(x / zoom), channel, f);
          // NaN is black, as is the most negative: a Uint8Array turns it into 0.
          const level = largest === 0 ? 0 : Math.min(1, Math.max(-1, weight / largest));
          data[((top + y) * image.width + left + x) * channels + channel] = Math.round(127.5 + 127.5 * level);
        }
      }
    }
  }
  const of = shown < filters ? `the first ${shown} of ${filters} filters` : `${filters} filters`;
  const mean = inputs !== 1 && inputs !== 3 ? `, mean over ${inputs} inputs` : "";
  return {
    pixels: { data, ...image },
    caption: `${of}, ${height} × ${width}${mean}; white is +${largest.toPrecision(3)}, black is −${largest.toPrecision(3)}`,
  };
}
