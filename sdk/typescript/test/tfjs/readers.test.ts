// Two ways to summarise a tensor, in memory and with operations of the backend, and one truth: they agree with each other.

import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { createReadings, decodeWholeNumbers, type Reduction, valuesOfTensor, wholeNumbers } from "../../src/tfjs/readings.ts";
import { intervalShare } from "../../src/tfjs/interval-share.ts";
import { unitActivity } from "../../src/tfjs/unit-activity.ts";
import { unitLayout } from "../../src/tfjs/unit-layout.ts";
import { unitMoments } from "../../src/tfjs/unit-moments.ts";
import { meanSurprise } from "../../src/tfjs/update-surprise.ts";
import { hashValues } from "../../src/tfjs/value-hash.ts";
import { normOf, normOfNorms } from "../../src/tfjs/norm-reduction.ts";
import { summaryOf } from "../../src/tfjs/summary-reduction.ts";
import type { BucketCounts, TensorSummaryValues } from "../../src/index.ts";
import { useBackend } from "./backend.ts";

beforeAll(useBackend);

const SMALLEST_NORMAL = 2 ** -126;
const element = fc
  .oneof(
    fc.float({ noDefaultInfinity: true, noNaN: true, min: -1000, max: 1000 }),
    fc.constantFrom(0, Number.NaN, Infinity, -Infinity, 1, -2, 0.5, 3e38, -1e-30),
  )
  // TensorFlow computes with denormal numbers as with zero.
  .map((value) => (tf.getBackend() === "tensorflow" && Math.abs(value) < SMALLEST_NORMAL ? 0 : value));

const total = ({ counts }: BucketCounts): number => Array.from(counts).reduce((sum, count) => sum + count, 0);

/** By operations of the backend, and in memory. */
async function twice<Result>(reduction: Reduction<Result>): Promise<[Result, Result]> {
  const roads = (["backend", "memory"] as const).map((road) => createReadings(tf, road));
  const results = roads.map((readings) => readings.add(reduction));
  for (const readings of roads) await readings.run();
  return results.map((result) => result()) as [Result, Result];
}

async function both(values: readonly number[]): Promise<[TensorSummaryValues, TensorSummaryValues]> {
  const tensor = tf.tensor1d([...values], "float32");
  const results = await twice(summaryOf(tensor));
  tensor.dispose();
  return results;
}

describe("both readers", () => {
  test("count the same, find the same extremes, and lose no element from the histogram", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(element, { minLength: 1, maxLength: 60 }), async (values) => {
        const [backend, memory] = await both(values);
        for (const field of ["count", "nan", "positiveInfinity", "negativeInfinity", "zero", "negative", "positive"] as const) {
          expect([field, backend[field]]).toEqual([field, memory[field]]);
        }
        expect((backend.min ?? 0) + 0).toBe((memory.min ?? 0) + 0);
        expect((backend.max ?? 0) + 0).toBe((memory.max ?? 0) + 0);
        const { histogram } = backend;
        expect(total(histogram?.positive ?? { offset: 0, counts: [] })).toBe(backend.positive);
        expect(total(histogram?.negative ?? { offset: 0, counts: [] })).toBe(backend.negative);
      }),
      { numRuns: 60 },
    );
  });

  test("have the same moments, as far as float32 goes, even where squares overflow", async () => {
    for (const values of [
      [1, -2, 3.5],
      [1e30, 2e30, -5e30],
      [1e-30, 2e-30],
    ]) {
      const [backend, memory] = await both(values);
      for (const field of ["sum", "sumSquares", "sumAbsolute"] as const) {
        expect(backend[field] / memory[field]).toBeCloseTo(1, 4);
      }
    }
  });

  test("give the same norm of several tensors, and NaN or Infinity where one holds it", async () => {
    const norms = async (tensors: tf.Tensor[]): Promise<[number, number]> => {
      const pairs = await Promise.all(tensors.map((tensor) => twice(normOf(tensor))));
      return [normOfNorms(pairs.map(([backend]) => backend)), normOfNorms(pairs.map(([, memory]) => memory))];
    };
    const [backend, memory] = await norms([tf.tensor1d([3, 0]), tf.tensor2d([[4]])]);
    expect(backend).toBeCloseTo(5, 5);
    expect(memory).toBe(5);
    expect(await norms([tf.tensor1d([1, Number.NaN])])).toEqual([Number.NaN, Number.NaN]);
    expect(await norms([tf.tensor1d([1, -Infinity])])).toEqual([Infinity, Infinity]);
  });
});

describe("by unit, both roads", () => {
  const shapes = [
    { shape: [6, 4], axis: 1 },
    { shape: [3, 2, 2, 4], axis: 3 },
    { shape: [3, 4, 2, 2], axis: 1 },
    { shape: [5, 3, 2], axis: 0 },
  ] as const;
  const odd = fc.oneof({ weight: 8, arbitrary: element }, { weight: 1, arbitrary: fc.constant(-0.25) });

  test("find the same active units and bounds, which are those of a recomputation", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...shapes), fc.infiniteStream(odd), async ({ shape, axis }, stream) => {
        const values = [...stream.take(shape.reduce((product, size) => product * size, 1))].map(Math.fround);
        const tensor = tf.tensor(values, [...shape]);
        const layout = unitLayout(shape, axis);
        const [backend, memory] = await twice(unitActivity(tensor, layout));
        tensor.dispose();
        const units = Array.from({ length: layout.units }, (_none, unit) => unitOf(values, shape, axis, unit));
        const expected = {
          active: units.map((bySample) => bySample.filter((one) => one.some((value) => value > 0)).length),
          min: units.map((bySample) => Math.min(...bySample.flat().filter(Number.isFinite))),
          max: units.map((bySample) => Math.max(...bySample.flat().filter(Number.isFinite))),
        };
        for (const { active, min, max } of [backend, memory]) {
          expect({ active: Array.from(active), min: Array.from(min, plain), max: Array.from(max, plain) }).toEqual({
            active: expected.active,
            min: expected.min.map(plain),
            max: expected.max.map(plain),
          });
        }
      }),
      { numRuns: 60 },
    );
  });

  test("find the same means and deviations, as far as float32 goes", async () => {
    const tensor = tf.randomNormal([32, 5, 3], 0, 1, "float32", 7).mul([1, 1e-3, 1e10]).add([0, 50, 0]);
    const [backend, memory] = await twice(unitMoments(tensor, unitLayout([32, 5, 3], 2)));
    for (const unit of [0, 1, 2]) {
      expect((backend.means[unit] as number) / (memory.means[unit] as number)).toBeCloseTo(1, 3);
      expect((backend.stds[unit] as number) / (memory.stds[unit] as number)).toBeCloseTo(1, unit === 1 ? 1 : 3);
    }
    const none = await twice(unitMoments(tf.tensor2d([[Number.NaN, 1]]), unitLayout([1, 2], 1)));
    for (const { means, stds } of none) expect([...means, ...stds]).toEqual([Number.NaN, 1, Number.NaN, 0]);
  });

  test("agree on the share inside intervals, on RMS(g²/v), and on small values as they are", async () => {
    const x = tf.tensor1d([-5, -1, 0, 0.5, 3, Number.NaN, Infinity, -Infinity]);
    expect(await twice(intervalShare(x, [[-Infinity, -1], [3, Infinity]]))).toEqual([5 / 8, 5 / 8]); // prettier-ignore
    expect(await twice(intervalShare(x, []))).toEqual([0, 0]);
    const squares = { byVariable: new Map(), bias: { accBeta2: tf.variable(tf.scalar(0.999 ** 3)), beta2: 0.999 }, smallest: 1e-14 };
    const [backend, memory] = await twice(meanSurprise(tf.tensor1d([1, -2, 0]), tf.tensor1d([0.01, 0.5, 0]), squares));
    const expected = (1 / (0.01 / (1 - 0.999 ** 2)) + 4 / (0.5 / (1 - 0.999 ** 2))) / 3;
    expect(memory / expected).toBeCloseTo(1, 4);
    expect(backend / expected).toBeCloseTo(1, 3);
    for (const values of await twice(valuesOfTensor(tf.tensor2d([[1, 2], [3, 4]])))) expect(Array.from(values)).toEqual([1, 2, 3, 4]); // prettier-ignore
  });
});

/** Values of one unit, by sample; along axis 0 everything is one sample. */
function unitOf(values: readonly number[], shape: readonly number[], axis: number, unit: number): number[][] {
  const bySample: number[][] = [];
  values.forEach((value, i) => {
    const place: number[] = [];
    shape.reduceRight((rest, size) => (place.unshift(rest % size), Math.floor(rest / size)), i);
    if (place[axis] === unit) (bySample[axis === 0 ? 0 : (place[0] as number)] ??= []).push(value);
  });
  return bySample;
}
/** Both zeros are one. */
const plain = (value: number): number => value + 0;

describe("counts", () => {
  test("above 2^24 travel exactly, as two halves", () => {
    const counts = tf.tensor1d([0, 1, 65_535, 65_536, 2 ** 24 + 1, 2 ** 31 - 1], "int32");
    expect(decodeWholeNumbers(wholeNumbers(tf, counts).dataSync() as Float32Array)).toEqual([
      0,
      1,
      65_535,
      65_536,
      2 ** 24 + 1,
      2 ** 31 - 1,
    ]);
  });
});

describe("the hash of values", () => {
  /** FNV-1a 64 by the book, over 32-bit words. */
  const byTheBook = (words: Iterable<number>): bigint => {
    let hash = 0xcbf29ce484222325n;
    for (const word of words) hash = BigInt.asUintN(64, (hash ^ BigInt(word >>> 0)) * 0x100000001b3n);
    return hash;
  };

  test("is FNV-1a's, over words", () => {
    fc.assert(
      fc.property(fc.float32Array(), (values) => {
        expect(hashValues(values)).toBe(byTheBook(new Int32Array(values.buffer, values.byteOffset, values.length)));
      }),
    );
  });

  test("tells one changed element, and both zeros apart", () => {
    expect(hashValues(Float32Array.of(1, 2, 3))).not.toBe(hashValues(Float32Array.of(1, 2, 3.0000002)));
    expect(hashValues(Float32Array.of(0))).not.toBe(hashValues(Float32Array.of(-0)));
    expect(hashValues(Uint8Array.of(1, 0, 1))).toBe(hashValues(Int32Array.of(1, 0, 1)));
  });
});
