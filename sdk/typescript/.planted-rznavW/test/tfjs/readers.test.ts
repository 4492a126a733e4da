// Two ways to summarise a tensor, in memory and with operations of the backend, and one truth: they agree with each other.

import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { backendReader } from "../../src/tfjs/backend-reader.ts";
import { memoryReader } from "../../src/tfjs/memory-reader.ts";
import type { BucketCounts, TensorSummaryValues } from "../../src/index.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const element = fc.oneof(
  fc.float({ noDefaultInfinity: true, noNaN: true, min: -1000, max: 1000 }),
  fc.constantFrom(0, Number.NaN, Infinity, -Infinity, 1, -2, 0.5, 3e38, -1e-30),
);

const total = ({ counts }: BucketCounts): number => Array.from(counts).reduce((sum, count) => sum + count, 0);

async function both(values: readonly number[]): Promise<[TensorSummaryValues, TensorSummaryValues]> {
  const tensor = tf.tensor1d([...values], "float32");
  const [fromBackend, fromMemory] = await Promise.all([backendReader(tf).summarize([tensor]), memoryReader.summarize([tensor])]);
  tensor.dispose();
  return [fromBackend[0] as TensorSummaryValues, fromMemory[0] as TensorSummaryValues];
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
    const norms = async (tensors: tf.Tensor[]): Promise<[number, number]> => [
      await backendReader(tf).norm(tensors),
      await memoryReader.norm(tensors),
    ];
    const [backend, memory] = await norms([tf.tensor1d([3, 0]), tf.tensor2d([[4]])]);
    expect(backend).toBeCloseTo(5, 5);
    expect(memory).toBe(5);
    expect(await norms([tf.tensor1d([1, Number.NaN])])).toEqual([Number.NaN, Number.NaN]);
    expect(await norms([tf.tensor1d([1, -Infinity])])).toEqual([Infinity, Infinity]);
  });
});
