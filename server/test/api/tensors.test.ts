// Tensors over time: the matrix and the histograms, with pieces added over ranks and copies not.

import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Tensor, TensorHistograms, TensorMatrix } from "../../src/api/schema.ts";
import { type ApiUnderTest, apiUnderTest, insertRun, insertSession, type RunRows } from "./api-under-test.ts";
import { insertInfos, insertSummaries } from "./stored-tensors.ts";

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

const base = (run: RunRows): string => `/api/v1/projects/${run.project}/runs/${run.run}/tensors`;
const matrix = (run: RunRows, query: string) => under.get(`${base(run)}/matrix?${query}`, TensorMatrix);
const histograms = (run: RunRows, query: string) => under.get(`${base(run)}/histograms?${query}`, TensorHistograms);

test("tensors are listed from the input side", async () => {
  const run = { project: "p", run: "list" };
  await insertRun(under.store, run);
  await insertInfos(under.store, run, [
    { name: "out/kernel", index: 2 },
    { name: "in/kernel", index: 0 },
    { name: "in/kernel", kind: "weight", index: 0 },
  ]);
  const { tensors } = await under.get(base(run), z.object({ tensors: z.array(Tensor) }));
  expect(tensors.map(({ name, kind }) => `${name} ${kind}`)).toEqual(["in/kernel gradient", "in/kernel weight", "out/kernel gradient"]);
  expect(tensors[0]).toEqual({
    name: "in/kernel",
    kind: "gradient",
    phase: "train",
    layer: "in",
    topologicalIndex: 0,
    role: "kernel",
    dtype: "float32",
    shape: [2, 3],
    activation: "relu",
  });
});

test("the matrix has a column for every step where they are few, and null where nothing was logged", async () => {
  const run = { project: "p", run: "matrix" };
  await insertRun(under.store, run);
  await insertInfos(under.store, run, [{ name: "a" }, { name: "b", index: 1 }, { name: "never", index: 2 }, { name: "w", kind: "weight" }]);
  await insertSummaries(under.store, run, [
    { name: "a", step: 0, values: [3, 4] },
    { name: "a", step: 100, values: [NaN, 1, Infinity] },
    { name: "b", step: 7, values: [NaN] },
    { name: "w", kind: "weight", step: 3, values: [1] },
  ]);
  const { steps, rows, statistic } = await matrix(run, "kind=gradient");
  expect(statistic).toBe("norm");
  expect(steps).toEqual([0, 7, 100]);
  expect(rows.map(({ tensor }) => tensor.name)).toEqual(["a", "b"]);
  expect(rows.map(({ values }) => values)).toEqual([
    [5, null, 1],
    [null, "NaN", null],
  ]);
  expect(rows.map(({ nonFinite }) => nonFinite)).toEqual([
    [0, 0, 2],
    [0, 1, 0],
  ]);
});

test.each([
  ["norm", Math.sqrt(1 + 4 + 9)],
  ["mean", 0.5],
  ["std", Math.sqrt((1 + 4 + 9) / 4 - 0.25)],
  ["min", -2],
  ["max", 3],
  ["zero-share", 1 / 5],
  ["non-finite", 1],
  ["dead-unit-share", 0.4],
])("the statistic %s is over the finite elements", async (statistic, expected) => {
  const run = { project: "p", run: `statistic-${statistic}` };
  await insertRun(under.store, run);
  await insertInfos(under.store, run, [{ name: "a" }]);
  await insertSummaries(under.store, run, [{ name: "a", step: 0, values: [1, -2, 3, 0, NaN] }]);
  const { rows } = await matrix(run, `kind=gradient&statistic=${statistic}`);
  expect(rows[0]?.values[0]).toBeCloseTo(expected, 12);
});

test("steps that share a column show its extreme, and every non-finite element is counted", async () => {
  const run = { project: "p", run: "columns" };
  await insertRun(under.store, run);
  await insertInfos(under.store, run, [{ name: "a" }]);
  await insertSummaries(
    under.store,
    run,
    Array.from({ length: 100 }, (_, step) => ({ name: "a", step, values: step === 42 ? [1000] : step === 77 ? [NaN, 2] : [1] })),
  );
  const { steps, rows } = await matrix(run, "kind=gradient&columns=10");
  expect(steps).toEqual([9, 19, 29, 39, 49, 59, 69, 79, 89, 99]);
  expect(rows[0]?.values).toEqual([1, 1, 1, 1, 1000, 1, 1, 2, 1, 1]);
  expect(rows[0]?.nonFinite).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
});

test("pieces are added over ranks, of copies one rank is read", async () => {
  const run = { project: "p", run: "ranks" };
  await insertRun(under.store, run);
  await insertInfos(under.store, run, [{ name: "copy" }, { name: "piece", placement: "sharded", index: 1 }]);
  await insertSummaries(under.store, run, [
    { name: "copy", step: 0, rank: 0, values: [1] },
    { name: "copy", step: 0, rank: 1, values: [2] },
    { name: "piece", step: 0, rank: 0, values: [3] },
    { name: "piece", step: 0, rank: 1, values: [-4] },
  ]);
  expect((await matrix(run, "kind=gradient")).rows.map(({ values }) => values)).toEqual([[1], [5]]);
  expect((await matrix(run, "kind=gradient&rank=1")).rows.map(({ values }) => values)).toEqual([[2], [5]]);
  expect((await matrix(run, "kind=gradient&statistic=min")).rows.map(({ values }) => values)).toEqual([[1], [-4]]);
  const { columns } = await histograms(run, "kind=gradient&name=piece&bins=2");
  expect(columns).toMatchObject([{ step: 0, count: 2, min: -4, max: 3, norm: 5 }]);
  expect(columns[0]?.counts.map(Math.round)).toEqual([1, 1]);
});

test("an abandoned step and an overwritten one are not counted", async () => {
  const run = { project: "p", run: "cut" };
  await insertRun(under.store, run);
  await insertSession(under.store, run, { producer: 2, session: 1, verStart: 10n, resumeStep: 5 });
  await insertInfos(under.store, run, [{ name: "a" }]);
  await insertSummaries(under.store, run, [
    { name: "a", step: 1, values: [100] },
    { name: "a", step: 1, values: [1], ver: 2n },
    { name: "a", step: 6, values: [100], ver: 3n },
    { name: "a", step: 5, values: [2], ver: 11n },
  ]);
  const { steps, rows } = await matrix(run, "kind=gradient");
  expect({ steps, values: rows[0]?.values }).toEqual({ steps: [1, 5], values: [1, 2] });
  expect((await histograms(run, "kind=gradient&name=a")).columns.map(({ step, max }) => [step, max])).toEqual([
    [1, 1],
    [5, 2],
  ]);
});

test("histograms share their bins, keep every finite element and tell of the others", async () => {
  const run = { project: "p", run: "histograms" };
  await insertRun(under.store, run);
  await insertInfos(under.store, run, [{ name: "a" }]);
  await insertSummaries(under.store, run, [
    { name: "a", step: 0, values: [-1, 0, 0, 1, 0.5], scale: 8 },
    { name: "a", step: 10, values: [NaN, Infinity, 3], scale: 2 },
  ]);
  const { edges, columns, tensor } = await histograms(run, "kind=gradient&name=a&bins=4");
  expect(tensor.name).toBe("a");
  expect(edges).toEqual([-1, 0, 1, 2, 3]);
  expect(columns[0]).toMatchObject({ step: 0, count: 5, nonFinite: 0, zero: 2, min: -1, max: 1, mean: 0.1, norm: 1.5 });
  expect(columns[0]?.counts.map((count) => Math.round(count * 1e6) / 1e6)).toEqual([1, 4, 0, 0]);
  expect(columns[1]).toMatchObject({ step: 10, count: 3, nonFinite: 2, zero: 0, min: 3, max: 3, mean: 3, std: 0, norm: 3 });
  expect(columns[1]?.counts).toEqual([0, 0, 0, 1]);
});

test("the steps of a column are merged, over several pages of summaries", async () => {
  const run = { project: "p", run: "merged" };
  await insertRun(under.store, run);
  await insertInfos(under.store, run, [{ name: "a" }]);
  const values = (step: number): number[] => [1, 2, step % 2 === 0 ? 3 : -3];
  await insertSummaries(
    under.store,
    run,
    Array.from({ length: 4500 }, (_, step) => ({ name: "a", step, values: values(step), scale: 2 + (step % 5) })),
  );
  const { columns } = await histograms(run, "kind=gradient&name=a&columns=3&bins=20");
  expect(columns.map(({ step, count }) => [step, count])).toEqual([
    [1499, 4500],
    [2999, 4500],
    [4499, 4500],
  ]);
  for (const { counts, min, max, norm } of columns) {
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeCloseTo(4500, 6);
    expect({ min, max }).toEqual({ min: -3, max: 3 });
    expect(norm).toBeCloseTo(Math.sqrt(14), 12);
  }
});

test("a tensor with nothing finite still has columns", async () => {
  const run = { project: "p", run: "all-nan" };
  await insertRun(under.store, run);
  await insertInfos(under.store, run, [{ name: "a" }]);
  await insertSummaries(under.store, run, [{ name: "a", step: 3, values: [NaN, NaN] }]);
  expect((await histograms(run, "kind=gradient&name=a&bins=2")).columns).toEqual([
    { step: 3, counts: [0, 0], count: 2, nonFinite: 2, zero: 0, min: null, max: null, mean: null, std: null, norm: null },
  ]);
});

test("a tensor that the run does not have is a problem that says what to do", async () => {
  const run = { project: "p", run: "none" };
  await insertRun(under.store, run);
  const problem = await under.problem(`${base(run)}/histograms?kind=weight&name=x`);
  expect(problem).toMatchObject({ status: 404, detail: 'the run has no weight tensor "x". GET …/tensors lists what it has.' });
  expect(await matrix(run, "kind=weight")).toMatchObject({ steps: [], rows: [] });
});
