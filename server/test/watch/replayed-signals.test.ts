// What a detector sees after a restart is what it would have seen live: tensors with their values by unit, class records,
// batch by batch, whatever the numbers are.

import { create } from "@bufbuild/protobuf";
import { BatchBodySchema, BatchSchema, type BatchBody, Phase, TensorKind } from "@gradwatch/proto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ObservationBatch } from "../../src/detect/observation.ts";
import { decodeBatch } from "../../src/ingest/decode-batch.ts";
import { type CommitItem, insertGroup } from "../../src/ingest/insert-group.ts";
import type { KnownRun } from "../../src/ingest/known-run.ts";
import { defaultLimits } from "../../src/ingest/limits.ts";
import { observationsOf } from "../../src/watch/observations.ts";
import { loadWatched } from "../../src/watch/restore.ts";
import { type ApiUnderTest, apiUnderTest, startMs } from "../api/api-under-test.ts";
import { uniform } from "../detect/notation.ts";

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

const run: KnownRun = {
  key: 42n,
  project: "p",
  id: "r",
  month: 202510,
  createdMs: startMs,
  metrics: new Map(),
  tensors: new Set(),
  writers: new Map(),
};

const item = (seq: number, body: BatchBody): CommitItem => {
  const batch = decodeBatch(create(BatchSchema, { producer: new Uint8Array(16), seq: BigInt(seq) }), body, defaultLimits);
  if ("reason" in batch) throw new Error(batch.message);
  return { run, batch };
};

/** A few tensors and class records, of numbers that text would round and of those that are none. */
function someBody(ver: number, draw: () => number): BatchBody {
  const number = (): number => [Number.NaN, 0, 0.1, draw(), -draw() * 1e30, draw() * 1e-30][Math.floor(draw() * 6)] as number;
  const numbers = (length: number): number[] => Array.from({ length }, number);
  const counts = (length: number): bigint[] => Array.from({ length }, () => BigInt(Math.floor(draw() * 2 ** 45)));
  const floats = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(Float32Array.from(numbers(length)).buffer);
  const units = Math.floor(draw() * 5);
  return create(BatchBodySchema, {
    project: "p",
    runId: "r",
    rank: Math.floor(draw() * 2),
    ver: BigInt(ver),
    tensors: [
      { name: "x", kind: TensorKind.INPUT },
      { name: "lstm/state", kind: TensorKind.STATE_GRADIENT, phase: Phase.TRAIN },
    ],
    tensorRecords: [0, 1].map((step) => ({
      step: BigInt(ver * 10 + step),
      timeMs: BigInt(startMs + ver),
      summaries: [0, 1].map((tensor) => ({
        tensor,
        count: 5n,
        sum: draw(),
        ...(draw() < 0.5 ? {} : { derivativeBelow5Percent: draw() }),
        unitMeans: floats(units),
        ...(draw() < 0.5 ? {} : { unitStds: floats(units) }),
      })),
    })),
    classes: Array.from({ length: Math.floor(draw() * 3) }, (_none, i) => ({
      step: BigInt(ver * 10 + i),
      timeMs: BigInt(startMs + ver),
      phase: [Phase.UNSPECIFIED, Phase.TRAIN, Phase.EVALUATION][Math.floor(draw() * 3)] as Phase,
      labelCounts: counts(3),
      predictionCounts: draw() < 0.5 ? [] : counts(3),
      confusion: draw() < 0.5 ? [] : counts(9),
      classError: draw() < 0.5 ? [] : numbers(3),
    })),
  });
}

/** The engine gives rows of one step in any order. */
const ordered = ({ tensors, classes, rank }: ObservationBatch) => ({
  rank,
  classes,
  tensors: tensors.toSorted((a, b) => a.step - b.step || (a.name < b.name ? -1 : 1)),
});
const hasAny = ({ tensors, classes }: ObservationBatch): boolean => tensors.length + classes.length > 0;

test("values by unit and class records come back bit by bit, in their batches", async () => {
  const draw = uniform(7);
  const items = Array.from({ length: 40 }, (_none, i) => item(i + 1, someBody(i + 1, draw)));
  await insertGroup(under.store, items, startMs);
  const live = items.map((one) => observationsOf(one, () => "none")).filter(hasAny);
  expect(live.flatMap(({ tensors }) => tensors).filter(({ unitMeans }) => unitMeans !== undefined).length).toBeGreaterThan(20);
  expect(live.flatMap(({ classes }) => classes).length).toBeGreaterThan(20);
  const replayed: ObservationBatch[] = [];
  for await (const { observations } of (await loadWatched(under.store, run)).replay(() => "none")) replayed.push(observations);
  expect(replayed.filter(hasAny).map(ordered)).toEqual(live.map(ordered));
});
