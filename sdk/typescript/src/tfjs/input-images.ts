// Samples of what the network is shown, as a picture; only where it was asked for, as training data may be private.

import type * as tf from "@tensorflow/tfjs";
import type { ForwardPass } from "./forward-pass.ts";
import { drawTiles, rangeOf, type Tiles } from "./image-grid.ts";
import { type Readings, valuesOfTensor } from "./readings.ts";
import type { NamedImage } from "./weight-images.ts";

/** The first `samples` of each input that is a picture (height × width × 1 or 3 channels, or a square in one row); to be called in a tidy. */
export function addInputImages(readings: Readings, pass: ForwardPass, samples: number): (() => NamedImage)[] {
  if (samples <= 0) return [];
  return pass.tensors().flatMap(({ name, meta, pieces }) => {
    const piece = pieces[0] as tf.Tensor;
    const shape = meta.kind === "input" ? pictureShape(piece.shape) : undefined;
    if (shape === undefined) return [];
    const count = Math.min(samples, piece.shape[0]);
    const values = readings.add(valuesOfTensor(piece.slice(0, count)));
    return [() => ({ name: `inputs/${name}`, ...drawInputs(values(), count, shape) })];
  });
}

interface SampleShape {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

function pictureShape(shape: readonly number[]): SampleShape | undefined {
  const [, height = 0, width = 0, channels] = shape;
  if (shape.length === 4 && (channels === 1 || channels === 3)) return { height, width, channels };
  const side = Math.sqrt(height);
  return shape.length === 2 && Number.isInteger(side) && side >= 8 ? { height: side, width: side, channels: 1 } : undefined;
}

function drawInputs(values: ArrayLike<number>, count: number, { height, width, channels }: SampleShape): Omit<NamedImage, "name"> {
  const tiles: Tiles = {
    count,
    height,
    width,
    channels,
    valueAt: (sample, y, x, channel) => values[((sample * height + y) * width + x) * channels + channel] as number,
  };
  const { min, max } = rangeOf(tiles);
  return {
    pixels: drawTiles(tiles, { black: min, white: max }),
    caption: `${count} samples of the batch; black is ${min.toPrecision(3)}, white is ${max.toPrecision(3)}`,
  };
}
