// However a series is cut into buckets, no minimum, maximum or non-finite value is lost, and what was overwritten or
// abandoned does not come back. Compared with a full scan in plain TypeScript.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SeriesResponse } from "../../src/api/schema.ts";
import { type ApiUnderTest, apiUnderTest, insertPoints, insertRun, insertSession, startMs } from "./api-under-test.ts";

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

const series = (body: unknown) => under.post("/api/v1/series", body, SeriesResponse);

test("a short series comes point by point, with its non-finite values by name", async () => {
  const run = { project: "p", run: "short" };
  await insertRun(under.store, run);
  await insertPoints(under.store, run, [{ metric: "loss", steps: [0, 10, 15, 20, 1000], values: [1, NaN, -Infinity, -0, 1e308] }]);
  const { series: found, asOf } = await series({ runs: [run], metrics: ["loss"], maxBuckets: 5 });
  expect(asOf).toBe(startMs);
  expect(found).toEqual([
    {
      ...run,
      metric: "loss",
      rank: 0,
      buckets: {
        step: [0, 10, 15, 20, 1000],
        stepLast: [0, 10, 15, 20, 1000],
        time: [0, 10, 15, 20, 1000].map((step) => startMs + step),
        min: [1, null, null, 0, 1e308],
        max: [1, null, null, 0, 1e308],
        mean: [1, null, null, 0, 1e308],
        last: [1, "NaN", "-Infinity", 0, 1e308],
        count: [1, 1, 1, 1, 1],
        nonFinite: [0, 1, 1, 0, 0],
      },
    },
  ]);
});

test("many runs, metrics and ranks come in the order asked for; those without points are left out", async () => {
  const runs = [
    { project: "p", run: "b" },
    { project: "p", run: "a" },
  ];
  for (const run of runs) {
    await insertRun(under.store, run);
    await insertPoints(under.store, run, [
      { metric: "z", rank: 1, steps: [1], values: [1] },
      { metric: "z", rank: 0, steps: [1], values: [1] },
      { metric: "acc", steps: [1], values: [1] },
    ]);
  }
  const { series: found } = await series({ runs: [...runs, { project: "p", run: "none" }], metrics: ["z", "acc", "absent"] });
  expect(found.map(({ run, metric, rank }) => `${run} ${metric} ${rank}`)).toEqual([
    "b z 0",
    "b z 1",
    "b acc 0",
    "a z 0",
    "a z 1",
    "a acc 0",
  ]);
});

test("large values do not overflow the mean", async () => {
  const run = { project: "p", run: "large" };
  await insertRun(under.store, run);
  await insertPoints(under.store, run, [{ metric: "loss", steps: [0, 1, 2, 3], values: [1.5e308, 1.5e308, 1.5e308, 1.5e308] }]);
  const { series: found } = await series({ runs: [run], metrics: ["loss"], maxBuckets: 1 });
  expect(found[0]?.buckets.mean).toEqual([1.5e308]);
});

test("a range is cut by itself, its ends included", async () => {
  const run = { project: "p", run: "range" };
  await insertRun(under.store, run);
  const steps = Array.from({ length: 1000 }, (_, i) => i);
  await insertPoints(under.store, run, [{ metric: "loss", steps, values: steps }]);
  const { series: found } = await series({ runs: [run], metrics: ["loss"], stepFrom: 100, stepTo: 109, maxBuckets: 5 });
  expect(found[0]?.buckets).toMatchObject({
    step: [100, 102, 104, 106, 108],
    stepLast: [101, 103, 105, 107, 109],
    min: [100, 102, 104, 106, 108],
  });
});

const awkward = fc.oneof(
  { weight: 6, arbitrary: fc.double({ noNaN: true, min: -1e300, max: 1e300 }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity, -0, 0, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE) },
  // A NaN with a payload of its own.
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 2 ** 31 })
      .map((payload) => new Float64Array(new BigUint64Array([0x7ff8_0000_0000_0000n | BigInt(payload)]).buffer)[0] as number),
  },
);

interface Write {
  readonly rank: number;
  readonly step: number;
  readonly value: number;
  readonly ver: bigint;
}

test("buckets hold exactly what a full scan of the visible points holds", async () => {
  let count = 0;
  const writes = fc.array(
    fc.record({
      rank: fc.integer({ min: 0, max: 1 }),
      step: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 2 ** 40 })),
      value: awkward,
      ver: fc.bigInt({ min: 1n, max: 100n }),
    }),
    { minLength: 1, maxLength: 120 },
  );
  const sessions = fc.array(
    fc.record({
      rank: fc.integer({ min: 0, max: 1 }),
      verStart: fc.bigInt({ min: 1n, max: 100n }),
      resumeStep: fc.option(fc.integer({ min: 0, max: 80 })),
    }),
    { maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(writes, sessions, fc.integer({ min: 1, max: 40 }), async (written, resumed, maxBuckets) => {
      const run = { project: "p", run: `random-${count++}` };
      await insertRun(under.store, run);
      for (const [i, session] of resumed.entries()) await insertSession(under.store, run, { ...session, producer: i + 1, session: i });
      // A version of a step is written once: a producer's versions are its own.
      const unique = [...new Map(written.map((write) => [`${write.rank} ${write.step} ${write.ver}`, write])).values()];
      await insertPoints(
        under.store,
        run,
        unique.map(({ rank, step, value, ver }) => ({ metric: "m", rank, ver, steps: [step], values: Float64Array.of(value) })),
      );
      const { series: found } = await series({ runs: [run], metrics: ["m"], maxBuckets });
      for (const rank of [0, 1]) {
        const visible = scan(
          unique.filter((write) => write.rank === rank),
          resumed.filter((session) => session.rank === rank),
        );
        const buckets = found.find((one) => one.rank === rank)?.buckets;
        expect(buckets === undefined).toBe(visible.length === 0);
        if (buckets === undefined) continue;
        expect(buckets.step.length).toBeLessThanOrEqual(maxBuckets);
        if (visible.length <= maxBuckets) expect(buckets.step).toEqual(visible.map(({ step }) => step));
        let at = 0;
        buckets.step.forEach((first, i) => {
          const inside = visible.slice(at, (at += buckets.count[i] as number));
          const finite = inside.map(({ value }) => value).filter((value) => Number.isFinite(value));
          expect(inside[0]?.step).toBe(first);
          expect(inside.at(-1)?.step).toBe(buckets.stepLast[i]);
          expect(buckets.time[i]).toBe(startMs + (buckets.stepLast[i] as number));
          expect(buckets.nonFinite[i]).toBe(inside.length - finite.length);
          expect(buckets.min[i]).toBe(finite.length === 0 ? null : Math.min(...finite) + 0);
          expect(buckets.max[i]).toBe(finite.length === 0 ? null : Math.max(...finite) + 0);
          expect(Number(buckets.last[i])).toBe((inside.at(-1)?.value ?? 0) + 0);
          const mean = finite.reduce((sum, value) => sum + value / finite.length, 0);
          const scale = Math.max(...finite.map(Math.abs), 1e-290);
          if (finite.length > 0) expect(Math.abs((buckets.mean[i] as number) / scale - mean / scale)).toBeLessThan(1e-12);
          else expect(buckets.mean[i]).toBeNull();
        });
        expect(at).toBe(visible.length);
      }
    }),
    { numRuns: 25 },
  );
});

/** The newest version of each step, unless a later session abandoned it. */
function scan(writes: readonly Write[], sessions: readonly { verStart: bigint; resumeStep: number | null }[]): Write[] {
  const newest = new Map<number, Write>();
  for (const write of writes) if (write.ver > (newest.get(write.step)?.ver ?? 0n)) newest.set(write.step, write);
  return [...newest.values()]
    .filter(({ ver, step }) => !sessions.some(({ verStart, resumeStep }) => resumeStep !== null && ver < verStart && step >= resumeStep))
    .toSorted((a, b) => a.step - b.step);
}
