// Whatever training code passes: nothing is thrown, what is good of it arrives, what is not is said once and counted.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Phase } from "@gradwatch/proto";
import fc from "fast-check";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { init, type Run } from "../src/index.ts";
import { bodyOf, type Peer, scalarsOf, startPeer } from "./scripted-peer.ts";

const peers: Peer[] = [];
afterEach(() => {
  peers.splice(0).forEach((peer) => peer.stop());
  vi.restoreAllMocks();
});

async function peerAndRun(): Promise<{ peer: Peer; run: Run; said: string[] }> {
  const peer = await startPeer();
  peers.push(peer);
  const said: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  return { peer, run: init({ project: "p", id: "r", url: peer.address }), said };
}

/** Calls as JavaScript would, past the types. */
const loosely = (run: Run): Record<string, (...args: unknown[]) => unknown> => run as never;

const cyclic: Record<string, unknown> = { loss: 1 };
cyclic["self"] = cyclic;
const throwing = Object.defineProperty({ fine: 2 }, "bad", {
  enumerable: true,
  get() {
    throw new Error("a getter's own trouble");
  },
});
const revoked = Proxy.revocable({}, {});
revoked.revoke();

const oddities: readonly unknown[] = [
  undefined,
  null,
  0,
  "text",
  Symbol("s"),
  () => 1,
  10n ** 30n,
  [],
  [1, 2, 3],
  new Float32Array(3),
  new Map([["a", 1]]),
  new Date(),
  cyclic,
  throwing,
  revoked.proxy,
  Object.create(null),
  { toString: 1, valueOf: null },
  { "": 1 },
  { ["x".repeat(10_000)]: 1 },
  { "a\nb": 1 },
  { a: { b: { c: { d: { e: { f: { g: { h: { i: { j: 1 } } } } } } } } } },
];

describe("nothing is thrown into training", () => {
  test.each([
    "log",
    "logTensor",
    "logSummaries",
    "logStep",
    "logClasses",
    "logImage",
    "describe",
    "defineMetric",
    "checkpoint",
    "alert",
    "onAlert",
    "onFlightRecorder",
  ])("by %s", async (method) => {
    const { run } = await peerAndRun();
    const call = loosely(run)[method] as (...args: unknown[]) => unknown;
    for (const first of oddities) {
      for (const second of [undefined, null, {}, { step: -1 }, { step: Number.NaN }, { step: "7" }, [1], Symbol("s"), revoked.proxy]) {
        expect(() => call(first, second)).not.toThrow();
      }
    }
    const { logged, acknowledged, rejected, dropped, pending } = await run.finish();
    expect(acknowledged + rejected + pending + Object.values(dropped).reduce((a, b) => a + b, 0)).toBe(logged);
    expect(rejected).toBe(0);
  });

  test.each(["config", "summary"] as const)("by setting anything in %s", async (which) => {
    const { run } = await peerAndRun();
    const record = run[which] as Record<string, unknown>;
    for (const value of oddities) {
      for (const name of ["a", "", "x".repeat(5_000), "__proto__", "constructor", "a\nb", "\ud800"]) {
        expect(() => {
          record[name] = value;
          delete record[name];
        }).not.toThrow();
      }
    }
    const { logged, acknowledged, rejected, dropped, pending } = await run.finish();
    expect(acknowledged + rejected + pending + Object.values(dropped).reduce((a, b) => a + b, 0)).toBe(logged);
    expect(({} as Record<string, unknown>)["a"]).toBeUndefined();
  });

  test("by log, with whatever can be drawn", async () => {
    const { run } = await peerAndRun();
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withNullPrototype: true,
          withTypedArray: true,
          withSparseArray: true,
        }),
        fc.anything(),
        (record, options) => {
          loosely(run)["log"]?.(record, options);
        },
      ),
    );
    const report = await run.finish();
    expect(report.rejected).toBe(0);
    expect(report.pending).toBe(0);
  });

  test("class records with lists of different lengths are refused and counted, good ones arrive with their errors", async () => {
    const { peer, run, said } = await peerAndRun();
    run.logClasses({ labelCounts: [3, 1], predictionCounts: [4] }, { step: 1 });
    run.logClasses({ labelCounts: Array.from({ length: 65 }, () => 1) }, { step: 1 });
    run.logClasses(
      {
        phase: "evaluation",
        labelCounts: [3, 1],
        predictionCounts: [2, 2],
        confusion: [
          [2, 1],
          [0, 1],
        ],
      },
      { step: 2 },
    );
    expect(await run.finish()).toMatchObject({ rejected: 0, dropped: { "wrong call": 2 } });
    expect(said.join("")).toContain("predictionCounts has 1 entries for 2 classes");
    const [record] = peer.batches.flatMap((batch) => bodyOf(batch).classes);
    expect(record).toMatchObject({ step: 2n, phase: Phase.EVALUATION, confusion: [2n, 1n, 0n, 1n] });
    expect(record?.classError).toEqual([expect.closeTo(1 / 3, 12), 0]);
  });

  test("by init, with options of any kind", () => {
    // A spool called "text" lies where the process is.
    const folder = mkdtempSync(join(tmpdir(), "gradwatch-hostile-"));
    const before = process.cwd();
    process.chdir(folder);
    onTestFinished(() => {
      process.chdir(before);
      rmSync(folder, { recursive: true, force: true });
    });
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    for (const options of [
      { url: "::" },
      { url: "ftp://x" },
      { project: "" },
      { rank: -3 },
      { mode: "sideways" },
      { resume: 5 },
      { tags: 3 },
      { config: cyclic },
    ]) {
      expect(() => init({ url: "127.0.0.1:9", ...options } as never)).not.toThrow();
    }
    for (const option of [
      "project",
      "name",
      "id",
      "group",
      "jobType",
      "tags",
      "notes",
      "config",
      "mode",
      "resume",
      "resumeStep",
      "forkFrom",
      "url",
      "apiKey",
      "runToken",
      "rank",
      "worldSize",
      "spool",
      "spoolBytesMax",
      "spoolDaysMax",
      "capture",
      "verbose",
    ]) {
      for (const value of oddities) expect(() => init({ url: "127.0.0.1:9", [option]: value })).not.toThrow();
    }
    for (const options of oddities) expect(() => init(options as never)).not.toThrow();
  });
});

describe("what is good arrives", () => {
  test("numbers of every kind come bit by bit", async () => {
    const { peer, run } = await peerAndRun();
    const values = { nan: Number.NaN, plus: Infinity, minus: -Infinity, zero: -0, tiny: 5e-324, large: -1.7976931348623157e308 };
    run.log(values);
    await run.finish();
    const bits = (value: number): bigint | undefined => new BigUint64Array(Float64Array.of(value).buffer)[0];
    expect(new Map(scalarsOf(peer.batches).map(({ metric, value }) => [metric, bits(value)]))).toEqual(
      new Map(Object.entries(values).map(([metric, value]) => [metric, bits(value)])),
    );
  });

  test("beside what is not; nested records flatten, booleans and big integers are numbers", async () => {
    const { peer, run, said } = await peerAndRun();
    loosely(run)["log"]?.({ train: { loss: 0.5, deep: { acc: 1 } }, done: true, big: 7n, text: "no", list: [1], none: null });
    const report = await run.finish();
    expect(scalarsOf(peer.batches).map(({ metric, value }) => [metric, value])).toEqual([
      ["train.loss", 0.5],
      ["train.deep.acc", 1],
      ["done", 1],
      ["big", 7],
    ]);
    expect(report).toMatchObject({ logged: 7 + 1, dropped: { "wrong value": 3 } });
    expect(said.filter((line) => line.includes('"text" is the text "no"'))).toHaveLength(1);
  });

  test("the same trouble a thousand times is said once", async () => {
    const { run, said } = await peerAndRun();
    for (let i = 0; i < 1_000; i++) loosely(run)["log"]?.({ loss: "high" });
    const report = await run.finish();
    expect(said.filter((line) => line.includes("text"))).toHaveLength(1);
    expect(report.dropped["wrong value"]).toBe(1_000);
  });

  test("steps: automatic, backwards, repeated", async () => {
    const { peer, run } = await peerAndRun();
    run.log({ a: 1 });
    run.log({ a: 2 });
    run.log({ a: 3 }, { step: 10 });
    run.log({ a: 4 });
    run.log({ a: 5 }, { step: 3 });
    run.log({ a: 6 }, { step: 10 });
    const report = await run.finish();
    const points = scalarsOf(peer.batches).map(({ step, value }) => [step, value]);
    expect(points.sort(([a = 0], [b = 0]) => a - b)).toEqual([
      [0, 1],
      [1, 2],
      [3, 5],
      [10, 6],
      [11, 4],
    ]);
    expect(report.dropped).toEqual({ "overwritten in the same batch": 1 });
  });

  test.each([{ step: -1 }, { step: 1.5 }, { step: 2 ** 50 + 2 }, { step: Number.NaN }])(
    "a step of $step is refused with its range",
    async ({ step }) => {
      const { run, said } = await peerAndRun();
      run.log({ a: 1, b: 2 }, { step });
      expect((await run.finish()).dropped).toEqual({ "wrong step": 2 });
      expect(said.join("")).toContain("it must be an integer from 0 to 2^50");
    },
  );

  test("after finish, calls are counted and said, and finish gives the same report", async () => {
    const { run, said } = await peerAndRun();
    run.log({ a: 1 });
    const report = await run.finish();
    run.log({ a: 2 });
    expect(await run.finish()).toEqual(report);
    expect(said.join("")).toContain("called after finish()");
  });
});
