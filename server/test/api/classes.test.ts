// Class records over time: which are shown, which are picked, and what a resume hides.

import { create } from "@bufbuild/protobuf";
import { ClassRecordSchema, Phase } from "@gradwatch/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClassRecords } from "../../src/api/schema.ts";
import { classRow } from "../../src/ingest/class-records.ts";
import { inheritHistory } from "../../src/ingest/fork-run.ts";
import { type ApiUnderTest, apiUnderTest, insertRun, insertSession, keyOf, producerId, type RunRows } from "./api-under-test.ts";

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

interface Given {
  readonly step: number;
  readonly phase?: Phase;
  readonly rank?: number;
  readonly ver?: bigint;
  /** Position in its batch. */
  readonly position?: number;
  readonly labels?: readonly number[];
  readonly confusion?: readonly (readonly number[])[];
  readonly error?: readonly number[];
}

async function runWith(id: string, given: readonly Given[]): Promise<RunRows> {
  const run = { project: "p", run: id };
  await insertRun(under.store, run);
  await under.store.insertRows(
    "run_events",
    given.map(({ step, phase = Phase.TRAIN, rank = 0, ver = 1n, position = 0, labels = [1, 2], confusion = [], error = [] }, i) => ({
      run: keyOf(run).toString(),
      producer: producerId(rank + 1),
      sequence: i,
      position,
      rank,
      ver: ver.toString(),
      ...classRow(
        create(ClassRecordSchema, {
          step: BigInt(step),
          timeMs: BigInt(1000 + step),
          phase,
          labelCounts: labels.map(BigInt),
          predictionCounts: labels.toReversed().map(BigInt),
          confusion: confusion.flat().map(BigInt),
          classError: [...error],
        }),
      ),
    })),
  );
  return run;
}

const classes = ({ project, run }: RunRows, query = ""): Promise<ClassRecords> =>
  under.get(`/api/v1/projects/${project}/runs/${run}/classes?${query}`, ClassRecords);

test("a run without any has an empty list", async () => {
  expect(await classes(await runWith("empty", []))).toMatchObject({
    phase: "train",
    phases: [],
    classes: 0,
    total: 0,
    records: [],
    confusion: null,
  });
});

test("records come by step, the last confusion with them; a class without a sample has no error", async () => {
  const run = await runWith("plain", [
    {
      step: 20,
      labels: [3, 0, 5],
      error: [0.25, Number.NaN, 1],
      confusion: [
        [2, 1, 0],
        [0, 0, 0],
        [5, 0, 0],
      ],
    },
    {
      step: 10,
      labels: [2 ** 40, 0, 1],
      error: [0, Number.NaN, 0],
      confusion: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    },
    { step: 30, labels: [1, 1, 1] },
  ]);
  const answer = await classes(run);
  expect(answer).toMatchObject({ phase: "train", rank: 0, classes: 3, total: 3, phases: [{ phase: "train", ranks: [0] }] });
  expect(answer.records).toEqual([
    { step: 10, time: 1010, labelCounts: [2 ** 40, 0, 1], predictionCounts: [1, 0, 2 ** 40], classError: [0, null, 0] },
    { step: 20, time: 1020, labelCounts: [3, 0, 5], predictionCounts: [5, 0, 3], classError: [0.25, null, 1] },
    { step: 30, time: 1030, labelCounts: [1, 1, 1], predictionCounts: [1, 1, 1], classError: [] },
  ]);
  expect(answer.confusion).toEqual({
    step: 20,
    counts: [
      [2, 1, 0],
      [0, 0, 0],
      [5, 0, 0],
    ],
  });
  expect((await classes(run, "step=10")).confusion?.counts).toEqual([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  expect((await classes(run, "step=11")).confusion).toBeNull();
});

test("phases and ranks are apart; without a phase it is training, if there is any", async () => {
  const run = await runWith("phases", [
    { step: 1, phase: Phase.EVALUATION, labels: [7, 7] },
    { step: 1, rank: 3, labels: [8, 8] },
    { step: 1, labels: [9, 9] },
  ]);
  expect((await classes(run)).phases).toEqual([
    { phase: "train", ranks: [0, 3] },
    { phase: "evaluation", ranks: [0] },
  ]);
  const labels = async (query: string) => (await classes(run, query)).records.map(({ labelCounts }) => labelCounts[0]);
  expect(await labels("")).toEqual([9]);
  expect(await labels("rank=3")).toEqual([8]);
  expect(await labels("phase=evaluation")).toEqual([7]);
  expect(await labels("phase=none")).toEqual([]);
  const evaluated = await runWith("evaluated", [{ step: 1, phase: Phase.EVALUATION }]);
  expect(await classes(evaluated)).toMatchObject({ phase: "evaluation", total: 1 });
});

test("of a step that was written twice the newest counts", async () => {
  const run = await runWith("twice", [
    {
      step: 1,
      ver: 5n,
      labels: [2, 2],
      confusion: [
        [2, 0],
        [0, 2],
      ],
    },
    {
      step: 1,
      ver: 4n,
      labels: [1, 1],
      confusion: [
        [1, 0],
        [0, 1],
      ],
    },
    { step: 2, ver: 6n, position: 1, labels: [4, 4] },
    { step: 2, ver: 6n, position: 0, labels: [3, 3] },
  ]);
  const { records, confusion, total } = await classes(run);
  expect(records.map(({ labelCounts }) => labelCounts[0])).toEqual([2, 4]);
  expect(total).toBe(2);
  expect(confusion?.counts[0]).toEqual([2, 0]);
});

test("what a resume abandoned is hidden", async () => {
  const run = await runWith("cut", [
    {
      step: 1,
      confusion: [
        [1, 0],
        [0, 1],
      ],
    },
    { step: 2 },
    {
      step: 3,
      confusion: [
        [3, 0],
        [0, 3],
      ],
    },
    { step: 3, rank: 1 },
    { step: 2, ver: 200n, labels: [20, 20] },
  ]);
  await insertSession(under.store, run, { producer: 9, session: 1, verStart: 100n, resumeStep: 2 });
  const { records, confusion } = await classes(run);
  expect(records.map(({ step, labelCounts }) => [step, labelCounts[0]])).toEqual([
    [1, 1],
    [2, 20],
  ]);
  expect(confusion?.step).toBe(1);
  expect((await classes(run, "rank=1")).records).toHaveLength(1);
  // A fork inherits what its parent shows: without its parent's sessions it could not hide the rest.
  const child = { project: "p", run: "cut-child" };
  await insertRun(under.store, child);
  await inheritHistory(under.store, { parent: keyOf(run), child: keyOf(child), month: 202510, step: 3n });
  expect((await classes(child)).records.map(({ step, labelCounts }) => [step, labelCounts[0]])).toEqual([
    [1, 1],
    [2, 20],
  ]);
});

describe("many records", () => {
  const count = 137;
  let run: RunRows;
  beforeAll(async () => {
    run = await runWith(
      "many",
      Array.from({ length: count }, (_none, i) => ({ step: i * i })),
    );
  });

  test.each([1, 2, 3, 10, 136, 137, 200])("are at most %i, evenly picked, with the last", async (most) => {
    const { records, total } = await classes(run, `records=${most}`);
    const places = records.map(({ step }) => Math.sqrt(step));
    expect(total).toBe(count);
    expect(places).toHaveLength(Math.min(most, count));
    expect(places.at(-1)).toBe(count - 1);
    if (most > 1) expect(places[0]).toBe(0);
    const gaps = places.slice(1).map((place, i) => place - (places[i] as number));
    if (gaps.length > 0) expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
  });
});
