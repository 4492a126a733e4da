// Where activation functions are flat, against tfjs's own functions and their derivatives by differences.

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "./backend.ts";
import { flatIntervals, flatIntervalsOfLayer, type Interval } from "../../src/tfjs/activation-functions.ts";

beforeAll(useBackend);

const STEP = 0.005;
const RANGE = 12;
const points = Float32Array.from({ length: (2 * RANGE) / STEP }, (_none, i) => -RANGE + i * STEP);

/** Absolute derivative at each point, by automatic differentiation where tfjs has it. */
function slopes(apply: (x: tf.Tensor) => tf.Tensor): Float32Array {
  return tf.tidy(
    () =>
      tf
        .grad((x) => apply(x).sum())(tf.tensor1d(points))
        .abs()
        .dataSync() as Float32Array,
  );
}

const isInside = (x: number, intervals: readonly Interval[]): boolean => intervals.some(([from, to]) => x >= from && x <= to);

/** Points on the wrong side. */
function misplaced(measured: Float32Array, intervals: readonly Interval[]): number[] {
  const largest = Math.max(...measured);
  const edges = intervals.flat().filter(Number.isFinite);
  return Array.from(points).filter((x, i) => {
    // At an edge, and at a kink of the function, a point's side is rounding.
    if (edges.some((edge) => Math.abs(x - edge) <= 2 * STEP) || Math.abs(x) <= STEP) return false;
    return isInside(x, intervals) !== (measured[i] as number) < 0.05 * largest;
  });
}

describe("the flat intervals of", () => {
  test.each([
    ["relu", "relu"],
    ["relu6", "relu6"],
    ["sigmoid", "sigmoid"],
    ["hardSigmoid", "hardSigmoid"],
    ["tanh", "tanh"],
    ["elu", "elu"],
    ["selu", "selu"],
    ["softplus", "softplus"],
    ["softsign", "softsign"],
    ["swish", "swish"],
    ["mish", "mish"],
  ] as const)("%s are where its derivative is below 5 %% of its largest", (name, identifier) => {
    const layer = tf.layers.activation({ activation: identifier });
    const measured = slopes((x) => layer.apply(x) as tf.Tensor);
    expect(misplaced(measured, flatIntervals(name) as readonly Interval[])).toEqual([]);
  });

  test("gelu are, by its formula: tfjs has no derivative of it", () => {
    const phi = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    const cdf = tf.tidy(() => tf.tensor1d(points).div(Math.SQRT2).erf().add(1).div(2).dataSync());
    const measured = points.map((x, i) => Math.abs((cdf[i] as number) + x * phi(x)));
    expect(misplaced(measured, flatIntervals("gelu") as readonly Interval[])).toEqual([]);
  });

  test.each([
    ["ReLU", { maxValue: 4 }, () => tf.layers.reLU({ maxValue: 4 })],
    ["LeakyReLU", { alpha: 0.3 }, () => tf.layers.leakyReLU()],
    ["LeakyReLU", { alpha: 0.01 }, () => tf.layers.leakyReLU({ alpha: 0.01 })],
    ["ELU", {}, () => tf.layers.elu()],
  ] as const)("the layer %s %j, too", (className, config, make) => {
    const layer = make();
    expect(
      misplaced(
        slopes((x) => layer.apply(x) as tf.Tensor),
        flatIntervalsOfLayer(className, config) as readonly Interval[],
      ),
    ).toEqual([]);
  });

  test("functions without one are not guessed", () => {
    expect(["linear", "softmax", "constructor", "nobody's"].map(flatIntervals)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
