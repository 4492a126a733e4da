// Everything that the callback sends of a training, against numbers that nothing of the adapter or of TensorFlow.js computed:
// moments and histograms from the raw tensors, loss and gradients from the network in plain float64. On every backend.

import { decodeBucketCounts, type HistogramBuckets, type TensorSummary } from "@gradwatch/proto";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "./backend.ts";
import { BATCH, gradientOf, lossOf, NAMES } from "./plain-network.ts";
import { type Kind, KINDS, type RecordedStep, recordTraining, STEPS } from "./recorded-training.ts";

beforeAll(useBackend);

/** Half of float32's last place: what one operation may be off, relative to its result. */
const ROUNDING = 2 ** -24;

/** A sum of n terms in float32, in any order, is off by no more than n roundings of Σ|term|; a few more are in the terms. */
const expectSum = (sent: number, terms: readonly number[]): void => {
  const absolute = terms.reduce((sum, term) => sum + Math.abs(term), 0);
  const exact = terms.reduce((sum, term) => sum + term, 0);
  expect(Math.abs(sent - exact)).toBeLessThanOrEqual((terms.length + 8) * ROUNDING * absolute);
};

function expectMoments(sent: TensorSummary, values: readonly number[]): void {
  const count = (which: (value: number) => boolean): bigint => BigInt(values.filter(which).length);
  expect(sent).toMatchObject({
    count: BigInt(values.length),
    nan: 0n,
    positiveInfinity: 0n,
    negativeInfinity: 0n,
    zero: count((value) => value === 0),
    negative: count((value) => value < 0),
    positive: count((value) => value > 0),
    min: Math.min(...values),
    max: Math.max(...values),
  });
  expectSum(sent.sum, values);
  expectSum(
    sent.sumSquares,
    values.map((value) => value ** 2),
  );
  expectSum(sent.sumAbsolute, values.map(Math.abs));
}

/** At every edge of a bucket as many values lie below as were counted, but for those on the edge: float32 decides their side. */
function expectBuckets(buckets: HistogramBuckets | undefined, scale: number, values: readonly number[]): void {
  if (values.length === 0) {
    expect(buckets?.counts ?? new Uint8Array()).toHaveLength(0);
    return;
  }
  const counts = decodeBucketCounts(buckets?.counts ?? new Uint8Array(), 1_000);
  const edgeWidth = 1e-5;
  let counted = 0;
  // From the lower edge of the first, below which nothing was counted.
  [0, ...counts].forEach((count, i) => {
    counted += count;
    const edge = 2 ** (((buckets?.offset ?? 0) + i) / 2 ** scale);
    expect(counted).toBeGreaterThanOrEqual(values.filter((value) => value <= edge * (1 - edgeWidth)).length);
    expect(counted).toBeLessThanOrEqual(values.filter((value) => value <= edge * (1 + edgeWidth)).length);
  });
  expect(counted).toBe(values.length);
}

describe.each([
  { name: "SGD", make: () => tf.train.sgd(0.1) },
  { name: "Adam", make: () => tf.train.adam(0.01) },
])("a training with $name", ({ make }) => {
  let steps: RecordedStep[];
  beforeAll(async () => {
    steps = await recordTraining(make);
  });
  const raw = ({ weights, gradients, updates }: RecordedStep, kind: Kind) =>
    ({ weight: weights, gradient: gradients, update: updates })[kind];

  test.each(Object.keys(KINDS) as Kind[])("sends the counts and moments of every %s, and its histogram", (kind) => {
    expect(steps).toHaveLength(STEPS);
    for (const step of steps) {
      for (const name of NAMES) {
        const [sent, values] = [step.summary(kind, name), Array.from(raw(step, kind)[name])];
        expectMoments(sent, values);
        const { histogram } = sent;
        expect(Number(histogram?.zeroCount)).toBe(values.filter((value) => value === 0).length);
        const signed = (sign: number): number[] => values.map((value) => sign * value).filter((value) => value > 0);
        expectBuckets(histogram?.positive, histogram?.scale ?? 0, signed(1));
        expectBuckets(histogram?.negative, histogram?.scale ?? 0, signed(-1));
      }
    }
  });

  test("sends the loss that the network has with the weights before the update", () => {
    // A forward pass in float32: some hundred roundings of terms near 1, and the same again in its square. Seen: 7e-8.
    for (const { record, weights, batch } of steps) expect(record.loss).toBeCloseTo(lossOf(weights, batch), 5);
  });

  test("sends the norm of all gradients, and they are the loss's", () => {
    for (const { record, weights, gradients, batch } of steps) {
      const exact = NAMES.map((name) => gradientOf(weights, batch, name));
      const norm = Math.hypot(...exact.flatMap((values) => Array.from(values)));
      // As for the loss, once forward and once back. Seen: 2e-7.
      expect(Math.abs((record.gradientNorm ?? 0) / norm - 1)).toBeLessThan(1e-5);
      NAMES.forEach((name, w) =>
        exact[w]?.forEach((value, i) => expect(Math.abs((gradients[name][i] as number) - value)).toBeLessThan(1e-5 * norm)),
      );
    }
  });

  test("sends learning rate and batch size", () => {
    const { learningRate } = make() as unknown as { learningRate: number };
    for (const { record } of steps) {
      expect(record.learningRate).toEqual([learningRate]);
      expect(record.batchSize).toBe(BigInt(BATCH));
    }
  });
});
