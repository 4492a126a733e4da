// What tensors say beyond their moments: ratios to the weights, shares of units and elements, and values by unit.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TensorMatrix, TensorUnits } from "../../src/api/schema.ts";
import { uniform } from "../detect/notation.ts";
import { type ApiUnderTest, apiUnderTest, insertRun, insertSession, type RunRows } from "./api-under-test.ts";
import { type Given, insertInfos, insertSummaries } from "./stored-tensors.ts";

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

const base = (run: RunRows): string => `/api/v1/projects/${run.project}/runs/${run.run}/tensors`;
const matrix = (run: RunRows, query: string) => under.get(`${base(run)}/matrix?${query}`, TensorMatrix);
const units = (run: RunRows, query: string) => under.get(`${base(run)}/units?${query}`, TensorUnits);
const floats = (values: readonly number[]): Uint8Array<ArrayBuffer> => new Uint8Array(Float32Array.from(values).buffer);
const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

async function newRun(id: string): Promise<RunRows> {
  const run = { project: "p", run: id };
  await insertRun(under.store, run);
  return run;
}

describe("the ratio to the weight", () => {
  test("is null where the weight was not summarised at that step, or is all 0", async () => {
    const run = await newRun("ratio");
    await insertInfos(under.store, run, [
      { name: "a", kind: "update" },
      { name: "a", kind: "weight" },
      { name: "b", kind: "update", index: 1 },
      { name: "b", kind: "gradient", index: 1 },
    ]);
    await insertSummaries(under.store, run, [
      { name: "a", kind: "weight", step: 0, values: [3, 4] },
      { name: "a", kind: "weight", step: 2, values: [0, 0] },
      { name: "a", kind: "weight", step: 3, values: [Number.NaN] },
      { name: "a", kind: "weight", step: 9, values: [1] },
      ...[0, 1, 2, 3].map((step) => ({ name: "a", kind: "update", step, values: [0.5, Number.NaN] })),
      { name: "b", kind: "update", step: 0, values: [1] },
      { name: "b", kind: "gradient", step: 0, values: [1] },
    ]);
    const { steps, rows } = await matrix(run, "kind=update&statistic=ratio");
    expect(steps).toEqual([0, 1, 2, 3]);
    expect(rows.map(({ tensor, values, nonFinite }) => [tensor.name, values, nonFinite])).toEqual([
      ["a", [0.1, null, null, "NaN"], [1, 1, 1, 1]],
      ["b", [null, null, null, null], [0, 0, 0, 0]],
    ]);
  });

  test("is of the weight in its own phase, where there are several", async () => {
    const run = await newRun("phases");
    await insertInfos(under.store, run, [
      { name: "a", kind: "gradient", phase: "evaluation" },
      { name: "a", kind: "weight" },
      { name: "a", kind: "weight", phase: "evaluation" },
    ]);
    await insertSummaries(under.store, run, [
      { name: "a", kind: "gradient", phase: "evaluation", step: 0, values: [1] },
      { name: "a", kind: "weight", step: 0, values: [2] },
      { name: "a", kind: "weight", phase: "evaluation", step: 0, values: [4] },
    ]);
    expect((await matrix(run, "kind=gradient&statistic=ratio")).rows[0]?.values).toEqual([0.25]);
  });

  test.each([1, 2, 3])("is what a recomputation says, whatever is sharded, missing or out of step (seed %i)", async (seed) => {
    const run = await newRun(`ratio-${seed}`);
    const draw = uniform(seed);
    const names = ["a", "b", "c", "d"];
    const sharded = { update: names.filter(() => draw() < 0.5), weight: names.filter(() => draw() < 0.5) };
    const given: Given[] = [];
    for (const name of names)
      for (const kind of ["update", "weight"] as const)
        for (const rank of [0, 1])
          for (let step = 0; step < 30; step++)
            if (draw() < 0.7) given.push({ name, kind, rank, step, values: Array.from({ length: 3 }, () => draw() * 10 - 5) });
    await insertInfos(
      under.store,
      run,
      names.flatMap((name, index) =>
        (["update", "weight"] as const).map((kind) => ({
          name,
          kind,
          index,
          placement: sharded[kind].includes(name) ? ("sharded" as const) : ("replicated" as const),
        })),
      ),
    );
    await insertSummaries(under.store, run, given);
    const valuesOf = (name: string, kind: "update" | "weight", step: number): number[] =>
      given
        .filter((one) => one.name === name && one.kind === kind && one.step === step && (one.rank === 1 || sharded[kind].includes(name)))
        .flatMap(({ values }) => values);
    const expected = (name: string, step: number): number | null => {
      const [update, weight] = [valuesOf(name, "update", step), valuesOf(name, "weight", step)];
      return update.length === 0 || weight.length === 0 ? null : norm(update) / norm(weight);
    };
    const whole = await matrix(run, "kind=update&statistic=ratio&rank=1");
    expect(whole.rows).toHaveLength(4);
    for (const { tensor, values } of whole.rows) {
      whole.steps.forEach((step, i) => {
        const wanted = expected(tensor.name, step);
        if (wanted === null) expect(values[i]).toBeNull();
        else expect(values[i]).toBeCloseTo(wanted, 10);
      });
    }
    // Columns of ten steps show the largest: the ratio is of one step, never of sums over several.
    const coarse = await matrix(run, "kind=update&statistic=ratio&rank=1&columns=3");
    const first = whole.steps[0] as number;
    const width = Math.ceil(((whole.steps.at(-1) as number) - first + 1) / 3);
    for (const { tensor, values } of coarse.rows) {
      values.forEach((value, column) => {
        const all = Array.from({ length: width }, (_none, i) => expected(tensor.name, first + column * width + i) ?? -1);
        expect(value).toBeCloseTo(Math.max(...all), 10);
      });
    }
  });
});

test.each([
  ["dead-unit-share", { units: 8n, unitsActiveBelow2Permille: 2n }, 0.25],
  ["dead-unit-share", { units: 0n }, null],
  ["unspread-share", { units: 8n, unitsZeroSpread: 6n }, 0.75],
  ["unspread-share", { units: 0n }, null],
  ["derivative-share", { derivativeBelow5Percent: 0.4 }, 0.4],
  ["derivative-share", {}, null],
  ["surprise", { updateSurpriseRms: 2.5 }, 2.5],
  ["surprise", {}, null],
])("%s of %o is %d", async (statistic, fields, expected) => {
  const run = await newRun(`${statistic}-${expected}`);
  await insertInfos(under.store, run, [{ name: "a", kind: "activation" }]);
  await insertSummaries(under.store, run, [{ name: "a", kind: "activation", step: 0, values: [1], fields }]);
  expect((await matrix(run, `kind=activation&statistic=${statistic}`)).rows[0]?.values).toEqual([expected]);
});

test("shares of pieces are weighted by their elements", async () => {
  const run = await newRun("pieces");
  await insertInfos(under.store, run, [{ name: "a", placement: "sharded" }]);
  const fields = { unitsActiveBelow2Permille: 0n, units: 6n };
  await insertSummaries(under.store, run, [
    { name: "a", step: 0, rank: 0, values: [1, 1, 1], fields: { ...fields, derivativeBelow5Percent: 0.4, updateSurpriseRms: 3 } },
    {
      name: "a",
      step: 0,
      rank: 1,
      values: [1],
      fields: { units: 2n, unitsActiveBelow2Permille: 2n, derivativeBelow5Percent: 0.8, updateSurpriseRms: 1 },
    },
  ]);
  const value = async (statistic: string) => (await matrix(run, `kind=gradient&statistic=${statistic}`)).rows[0]?.values[0];
  expect(await value("dead-unit-share")).toBe(0.25);
  expect(await value("derivative-share")).toBeCloseTo(0.5, 12);
  expect(await value("surprise")).toBeCloseTo(Math.sqrt((9 * 3 + 1) / 4), 12);
});

describe("values by unit", () => {
  const insert = async (run: RunRows, all: readonly { step: number; means: number[]; stds?: number[]; ver?: bigint }[]): Promise<void> =>
    await insertSummaries(
      under.store,
      run,
      all.map(({ step, means, stds = [], ver = 1n }) => ({
        name: "x",
        kind: "input",
        step,
        ver,
        values: [0],
        fields: { unitMeans: floats(means), unitStds: floats(stds) },
      })),
    );

  test("come as they were sent where steps are few; what is not finite or was not sent is null", async () => {
    const run = await newRun("units");
    await insertInfos(under.store, run, [{ name: "x", kind: "input" }]);
    await insert(run, [
      { step: 0, means: [0.1, -2, 3], stds: [1, 0, Number.NaN] },
      { step: 4, means: [] },
      { step: 7, means: [Number.NaN, 1] },
    ]);
    const { columns, units: most, tensor } = await units(run, "kind=input&name=x");
    expect(tensor.kind).toBe("input");
    expect(most).toBe(3);
    expect(columns).toEqual([
      { step: 0, means: [expect.closeTo(0.1, 6), -2, 3], stds: [expect.closeTo(1, 6), 0, null] },
      { step: 7, means: [null, 1], stds: [null, null] },
    ]);
  });

  test("of steps that share a column are pooled", async () => {
    const run = await newRun("pooled");
    await insertInfos(under.store, run, [{ name: "x", kind: "input" }]);
    await insert(
      run,
      Array.from({ length: 100 }, (_none, step) => ({ step, means: [step % 2 === 0 ? 3 : -3, 5], stds: [4, step === 42 ? 1000 : 0] })),
    );
    const { columns } = await units(run, "kind=input&name=x&columns=10");
    expect(columns.map(({ step }) => step)).toEqual([9, 19, 29, 39, 49, 59, 69, 79, 89, 99]);
    for (const { step, means, stds } of columns) {
      expect(means).toEqual([0, 5]);
      expect(stds[0]).toBeCloseTo(5, 6);
      expect(stds[1]).toBeCloseTo(step === 49 ? 1000 / Math.sqrt(10) : 0, 6);
    }
  });

  test("that were abandoned by a resume are hidden", async () => {
    const run = await newRun("cut");
    await insertInfos(under.store, run, [{ name: "x", kind: "input" }]);
    await insertSession(under.store, run, { producer: 2, session: 1, verStart: 100n, resumeStep: 5 });
    await insert(run, [
      { step: 4, means: [1] },
      { step: 6, means: [2] },
      { step: 5, means: [3], ver: 200n },
    ]);
    expect((await units(run, "kind=input&name=x")).columns.map(({ step, means }) => [step, means])).toEqual([
      [4, [1]],
      [5, [3]],
    ]);
  });

  test("of a tensor that has none is an empty list, and of no tensor a problem", async () => {
    const run = await newRun("no-units");
    await insertInfos(under.store, run, [{ name: "x", kind: "input" }]);
    expect(await units(run, "kind=input&name=x")).toMatchObject({ units: 0, columns: [] });
    expect(await under.problem(`${base(run)}/units?kind=input&name=y`)).toMatchObject({
      status: 404,
      detail: 'the run has no input tensor "y". GET …/tensors lists what it has.',
    });
  });
});
