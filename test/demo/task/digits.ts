// The demo's data: the ten digits of a 5 × 7 pixel font, moved about in a 12 × 12 image, fainter or bolder, under noise.
// A small network learns it in a few hundred steps, but not from a handful of pixels.

import * as tf from "@tensorflow/tfjs";
import { seededRandom } from "../../seeded-random.ts";

export const IMAGE_SIDE = 12;
export const CLASSES = 10;

const FONT = [
  "01110 10001 10011 10101 11001 10001 01110",
  "00100 01100 00100 00100 00100 00100 01110",
  "01110 10001 00001 00110 01000 10000 11111",
  "11111 00010 00100 00010 00001 10001 01110",
  "00010 00110 01010 10010 11111 00010 00010",
  "11111 10000 11110 00001 00001 10001 01110",
  "00110 01000 10000 11110 10001 10001 01110",
  "11111 00001 00010 00100 01000 01000 01000",
  "01110 10001 10001 01110 10001 10001 01110",
  "01110 10001 10001 01111 00001 00010 01100",
].map((glyph) => glyph.split(" "));

/** Standard deviation of a pixel's noise; the strokes are 0.7 to 1.3. */
const NOISE = 0.3;
/** Pixels that a digit moves to either side of the middle, and up or down. */
const SHIFT_MAX = 1;

export interface Digits {
  /** [samples, 144], roughly centred. */
  readonly images: tf.Tensor2D;
  /** [samples, 10], one-hot. */
  readonly labels: tf.Tensor2D;
}

export function makeDigits(samples: number, seed: number): Digits {
  const random = seededRandom(seed);
  const pixels = new Float32Array(samples * IMAGE_SIDE * IMAGE_SIDE);
  const classes = new Int32Array(samples);
  for (let sample = 0; sample < samples; sample += 1) {
    const digit = random.integer(CLASSES);
    classes[sample] = digit;
    const image = pixels.subarray(sample * IMAGE_SIDE * IMAGE_SIDE, (sample + 1) * IMAGE_SIDE * IMAGE_SIDE);
    const left = 3 + random.integer(2 * SHIFT_MAX + 1) - SHIFT_MAX;
    const top = 2 + random.integer(2 * SHIFT_MAX + 1) - SHIFT_MAX;
    const stroke = 0.7 + 0.6 * random.uniform();
    for (let i = 0; i < image.length; i += 1) {
      const inked = FONT[digit]![Math.floor(i / IMAGE_SIDE) - top]?.[(i % IMAGE_SIDE) - left] === "1";
      image[i] = (inked ? stroke : 0) + NOISE * random.normal() - MEAN_INK;
    }
  }
  return {
    images: tf.tensor2d(pixels, [samples, IMAGE_SIDE * IMAGE_SIDE]),
    labels: tf.oneHot(tf.tensor1d(classes, "int32"), CLASSES).toFloat() as tf.Tensor2D,
  };
}

/** Share of a 12 × 12 image that a digit's strokes cover. */
const MEAN_INK = 0.11;
