// A small network (a convolution, two dense layers, mean squared error) twice: as a model of TensorFlow.js, and in plain float64
// with nothing of TensorFlow.js in it. Every activation is tanh: smooth, so that differences of the loss tell its gradient.

import * as tf from "@tensorflow/tfjs";

/** Height and width of the one-channel input. */
const SIDE = 6;
const KERNEL = 3;
const FILTERS = 3;
/** Height and width of what the convolution gives. */
const CONVOLVED = SIDE - KERNEL + 1;
const UNITS = 5;
const OUTPUTS = 2;
export const BATCH = 4;

/** Every weight by the name that the adapter gives it, in the model's order. */
const SHAPES = {
  "conv/kernel": [KERNEL, KERNEL, 1, FILTERS],
  "conv/bias": [FILTERS],
  "hidden/kernel": [CONVOLVED ** 2 * FILTERS, UNITS],
  "hidden/bias": [UNITS],
  "out/kernel": [UNITS, OUTPUTS],
  "out/bias": [OUTPUTS],
} as const satisfies Record<string, readonly number[]>;
export type WeightName = keyof typeof SHAPES;
export const NAMES = Object.keys(SHAPES) as readonly WeightName[];

export type Weights = Readonly<Record<WeightName, ArrayLike<number>>>;

export interface Batch {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

/** Numbers without a pattern and the same everywhere, within ±size. */
function numbers(count: number, seed: number, size: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => size * Math.sin((i + 1) * 12.9898 + seed * 78.233));
}

export const makeBatch = (step: number): Batch => ({
  x: numbers(BATCH * SIDE ** 2, 100 + step, 1),
  y: numbers(BATCH * OUTPUTS, 200 + step, 1),
});

/** With the same weights at every call. */
export function makeModel(optimizer: tf.Optimizer): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ name: "conv", filters: FILTERS, kernelSize: KERNEL, activation: "tanh", inputShape: [SIDE, SIDE, 1] }),
      tf.layers.flatten(),
      tf.layers.dense({ name: "hidden", units: UNITS, activation: "tanh" }),
      tf.layers.dense({ name: "out", units: OUTPUTS }),
    ],
  });
  model.compile({ optimizer, loss: "meanSquaredError" });
  tf.tidy(() =>
    model.setWeights(
      Object.values(SHAPES).map((shape, i) => {
        const size = shape.reduce<number>((product, side) => product * side, 1);
        return tf.tensor(numbers(size, i, 0.3), [...shape]);
      }),
    ),
  );
  return model;
}

export const inputOf = ({ x }: Batch): tf.Tensor => tf.tensor(x, [BATCH, SIDE, SIDE, 1]);
export const targetOf = ({ y }: Batch): tf.Tensor => tf.tensor(y, [BATCH, OUTPUTS]);

/** Mean over the batch and the outputs of (output − target)². */
export function lossOf(weights: Weights, { x, y }: Batch): number {
  let total = 0;
  for (let sample = 0; sample < BATCH; sample++) {
    const image = x.subarray(sample * SIDE ** 2, (sample + 1) * SIDE ** 2);
    const hidden = dense(convolved(image, weights), weights["hidden/kernel"], weights["hidden/bias"]).map(Math.tanh);
    dense(hidden, weights["out/kernel"], weights["out/bias"]).forEach(
      (output, i) => (total += (output - (y[sample * OUTPUTS + i] as number)) ** 2),
    );
  }
  return total / (BATCH * OUTPUTS);
}

/** tanh of the valid convolution; filters vary fastest, as in what `flatten` makes of it. */
function convolved(image: Float32Array, weights: Weights): Float64Array {
  const [kernel, bias] = [weights["conv/kernel"], weights["conv/bias"]];
  return Float64Array.from({ length: CONVOLVED ** 2 * FILTERS }, (_, at) => {
    const [row, column, filter] = [Math.floor(at / FILTERS / CONVOLVED), Math.floor(at / FILTERS) % CONVOLVED, at % FILTERS];
    let sum = bias[filter] as number;
    for (let i = 0; i < KERNEL ** 2; i++) {
      const pixel = image[(row + Math.floor(i / KERNEL)) * SIDE + column + (i % KERNEL)] as number;
      sum += pixel * (kernel[i * FILTERS + filter] as number);
    }
    return Math.tanh(sum);
  });
}

function dense(input: Float64Array, kernel: ArrayLike<number>, bias: ArrayLike<number>): Float64Array {
  return Float64Array.from(bias, (start, unit) =>
    input.reduce((sum, value, i) => sum + value * (kernel[i * bias.length + unit] as number), start),
  );
}

/** By central differences; in float64 their error is far below float32's. */
export function gradientOf(weights: Weights, batch: Batch, name: WeightName): Float64Array {
  const h = 1e-5;
  const moved = { ...weights, [name]: Float64Array.from(weights[name]) };
  const values = moved[name] as Float64Array;
  return values.map((value, i) => {
    const lossAt = (at: number): number => {
      values[i] = at;
      return lossOf(moved, batch);
    };
    const slope = (lossAt(value + h) - lossAt(value - h)) / (2 * h);
    values[i] = value;
    return slope;
  });
}
