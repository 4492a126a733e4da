// One training on the plain backend and on TensorFlow's C library, from the same weights over the same batches: what a server gets
// is the same, as far as float32 goes.

import type { StepRecord, TensorSummary } from "@gradwatch/proto";
import * as tf from "@tensorflow/tfjs";
import { afterAll, expect, test } from "vitest";
import { useBackend } from "../tfjs/backend.ts";
import { NAMES } from "../tfjs/plain-network.ts";
import { type Kind, KINDS, recordTraining, STEPS } from "../tfjs/recorded-training.ts";

afterAll(useBackend);

/**
 * Relative to the size of what was summed. Both round each of some hundred operations of a step to 2^-24, in another order, and the
 * next step begins where this one ended; Adam divides by roots of squares, and makes of small gradients' roundings as large steps.
 * Seen: 3e-6.
 */
const TOLERANCE = 1e-4;

const close = (what: string, one: number | undefined, other: number | undefined, size: number): void =>
  expect(Math.abs((one ?? Number.NaN) - (other ?? Number.NaN)) / size, `${what} on either backend`).toBeLessThan(TOLERANCE);

function expectSameRecord(one: StepRecord, other: StepRecord): void {
  close("loss", one.loss, other.loss, one.loss ?? 0);
  close("gradient norm", one.gradientNorm, other.gradientNorm, one.gradientNorm ?? 0);
  expect(one.updateSurpriseRms === undefined).toBe(other.updateSurpriseRms === undefined);
  if (one.updateSurpriseRms !== undefined) close("RMS(g²/v)", one.updateSurpriseRms, other.updateSurpriseRms, one.updateSurpriseRms);
}

function expectSameSummary(what: string, one: TensorSummary, other: TensorSummary): void {
  for (const field of ["count", "zero", "negative", "positive"] as const) expect(other[field], `${what} ${field}`).toBe(one[field]);
  const largest = Math.max(Math.abs(one.min ?? 0), Math.abs(one.max ?? 0));
  close(`${what} min`, one.min, other.min, largest);
  close(`${what} max`, one.max, other.max, largest);
  close(`${what} sum`, one.sum, other.sum, one.sumAbsolute);
  close(`${what} sum of squares`, one.sumSquares, other.sumSquares, one.sumSquares);
  close(`${what} sum of absolutes`, one.sumAbsolute, other.sumAbsolute, one.sumAbsolute);
}

test.each([
  { name: "SGD", make: () => tf.train.sgd(0.1) },
  { name: "Adam", make: () => tf.train.adam(0.01) },
])("a training with $name sends the same numbers from both backends", async ({ make }) => {
  const on = async (backend: string) => {
    expect(await tf.setBackend(backend)).toBe(true);
    return await recordTraining(make);
  };
  const [plain, native] = [await on("cpu"), await on("tensorflow")];
  for (let step = 0; step < STEPS; step++) {
    const [one, other] = [plain[step], native[step]];
    if (one === undefined || other === undefined) throw new Error(`step ${step} is missing`);
    expectSameRecord(one.record, other.record);
    for (const kind of Object.keys(KINDS) as Kind[]) {
      for (const name of NAMES) expectSameSummary(`step ${step}, ${kind} of ${name}:`, one.summary(kind, name), other.summary(kind, name));
    }
  }
});
