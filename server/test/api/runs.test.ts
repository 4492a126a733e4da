// Runs as the API tells them: folded from events, paged, filtered, with the state that nobody stores.

import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { RunPage } from "../../src/api/schema-runs.ts";
import { Metric, Project, RunDetail } from "../../src/api/schema.ts";
import {
  type ApiUnderTest,
  apiUnderTest,
  insertEvents,
  insertHeartbeat,
  insertPoints,
  insertRun,
  insertSession,
  keyOf,
  startMs,
} from "./api-under-test.ts";

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

const detail = (run: { project: string; run: string }) => under.get(`/api/v1/projects/${run.project}/runs/${run.run}`, RunDetail);
const page = async (query: string) => {
  await under.summarize();
  return await under.get(`/api/v1/runs?${query}`, RunPage);
};
const opened = (body: Record<string, unknown> = {}, more: object = {}) => ({ kind: "opened", body, ...more });
const closed = (body: Record<string, unknown>, more: object = {}) => ({ kind: "closed", body, timeMs: startMs + 5000, ...more });
const metricsOf = async (run: { project: string; run: string }) =>
  (await under.get(`/api/v1/projects/${run.project}/runs/${run.run}/metrics`, z.object({ metrics: z.array(Metric) }))).metrics;

test("a run shows what was said when it was opened, changed and closed", async () => {
  const run = { project: "whole", run: "r1" };
  await insertRun(under.store, run);
  await insertSession(under.store, run, { producer: 1, session: 0, verStart: 1n, resumeStep: null });
  await insertHeartbeat(under.store, run, startMs + 4000);
  await insertEvents(under.store, run, [
    opened({
      name: "first try",
      group: "g",
      jobType: "train",
      tags: ["prod", "a,b"],
      notes: "n",
      worldSize: 2,
      config: [
        { key: "lr", number: 0.1 },
        { key: "opt", text: "adam" },
        { key: "amp", flag: true },
        { key: "layers", json: "[1,2]" },
        { key: "limit", number: "Infinity" },
      ],
      environment: { host: "box", memoryBytes: "8589934592", versions: { node: "22" } },
      facts: { plannedSteps: "1000", lossKind: "LOSS_KIND_CROSS_ENTROPY", layers: [{ name: "dense", parameters: "12" }] },
    }),
    { kind: "config", body: { key: "lr", number: 0.2 } },
    { kind: "facts", body: { classes: 10, labelCounts: ["5", "6"] } },
    { kind: "summary", body: { key: "best", number: 0.9 } },
    { kind: "summary", body: { key: "loss", number: "NaN" } },
    { kind: "checkpoint", body: { step: "7", path: "/ckpt/7" }, timeMs: startMs + 7 },
    { kind: "drops", body: { reason: "queue-full", points: "3" } },
    closed({ outcome: "RUN_OUTCOME_FAILED", exitCode: 1, error: "RangeError: boom", drops: [{ reason: "queue-full", points: "5" }] }),
  ]);
  await insertPoints(under.store, run, [
    { metric: "loss", steps: [0, 1, 2], values: [3, 2, 1] },
    { metric: "val/acc", steps: [2], values: [Infinity] },
  ]);
  expect(await detail(run)).toEqual({
    project: "whole",
    run: "r1",
    name: "first try",
    group: "g",
    jobType: "train",
    tags: ["prod", "a,b"],
    notes: "n",
    archived: false,
    pinned: false,
    state: "failed",
    createdAt: startMs,
    updatedAt: startMs + 5000,
    endedAt: startMs + 5000,
    ranks: 2,
    stepMax: 2,
    config: { lr: 0.2, opt: "adam", amp: true, layers: [1, 2], limit: "Infinity" },
    summary: { loss: "NaN", "val/acc": "Infinity", best: 0.9 },
    incidents: { firing: 0, total: 0, worst: null },
    error: "RangeError: boom",
    stack: null,
    exitCode: 1,
    forkedFrom: null,
    rankStates: [{ rank: 0, state: "failed", lastStep: null, lastSignAt: startMs + 4000 }],
    sessions: [{ session: 0, rank: 0, openedAt: startMs, resumeStep: null }],
    checkpoints: [{ step: 7, path: "/ckpt/7", time: startMs + 7 }],
    facts: { plannedSteps: 1000, lossKind: "cross-entropy", layers: [{ name: "dense", parameters: 12 }], classes: 10, labelCounts: [5, 6] },
    environment: { host: "box", memoryBytes: 8589934592, versions: { node: "22" } },
    drops: [{ reason: "queue-full", points: 5 }],
  });
});

const finished = { outcome: "RUN_OUTCOME_FINISHED" };
test.each([
  { name: "open and beating", events: [opened()], beatMs: 0, expected: "running" },
  { name: "open and silent", events: [opened()], beatMs: -61_000, expected: "crashed" },
  { name: "never opened, just created", events: [], beatMs: 0, expected: "running" },
  { name: "closed", events: [opened(), closed(finished)], beatMs: 0, expected: "finished" },
  { name: "killed", events: [opened(), closed({ outcome: "RUN_OUTCOME_KILLED" })], beatMs: 0, expected: "killed" },
  { name: "preempted", events: [opened(), closed({ outcome: "RUN_OUTCOME_PREEMPTED" })], beatMs: 0, expected: "preempted" },
  {
    name: "one rank of two closed",
    events: [opened(), opened({}, { producer: 2, rank: 1 }), closed(finished)],
    beatMs: 0,
    expected: "running",
  },
  {
    name: "a rank of a larger world vanished, the smaller world that came after it finished",
    events: [
      opened({ worldSize: 2 }),
      opened({ worldSize: 2 }, { producer: 2, rank: 1 }),
      opened({ worldSize: 1 }, { producer: 3, ver: 10n }),
      closed(finished, { producer: 3 }),
    ],
    beatMs: 0,
    expected: "finished",
  },
  {
    name: "both ranks closed, one failed",
    events: [
      opened(),
      opened({}, { producer: 2, rank: 1 }),
      closed({ outcome: "RUN_OUTCOME_FAILED" }, { producer: 2, rank: 1 }),
      closed(finished),
    ],
    beatMs: 0,
    expected: "failed",
  },
  {
    name: "resumed after it was closed",
    events: [opened(), closed(finished), opened({}, { producer: 2 })],
    beatMs: 0,
    expected: "running",
  },
  {
    name: "resumed and closed again",
    events: [opened(), closed({ outcome: "RUN_OUTCOME_FAILED" }), opened({}, { producer: 2 }), closed(finished, { producer: 2 })],
    beatMs: 0,
    expected: "finished",
  },
])("a run that is $name is $expected", async ({ name, events, beatMs, expected }) => {
  const run = { project: "states", run: name.replaceAll(/\W/g, "-"), createdMs: startMs - 100_000 };
  await insertRun(under.store, run);
  await insertHeartbeat(under.store, run, startMs + beatMs);
  // Opened and closed long ago: only the heartbeat tells life.
  await insertEvents(
    under.store,
    run,
    events.map((event) => ({ ...event, timeMs: startMs - 90_000 })),
  );
  const { state, endedAt } = await detail(run);
  expect(state).toBe(expected);
  expect(endedAt === null).toBe(expected === "running");
});

test("the list is newest first and its pages neither repeat nor miss a run", async () => {
  for (let i = 0; i < 7; i++) await insertRun(under.store, { project: "paged", run: `r${i}`, createdMs: startMs + (i < 4 ? i : 4) });
  const seen: string[] = [];
  let cursor = "";
  for (let pages = 0; pages < 10; pages++) {
    const { runs, nextCursor } = await page(`project=paged&limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`);
    seen.push(...runs.map(({ run }) => run));
    if (nextCursor === null) break;
    cursor = nextCursor;
    // What comes meanwhile shifts nothing.
    await insertRun(under.store, { project: "paged", run: `later${pages}`, createdMs: startMs + 100 });
  }
  expect(seen).toHaveLength(7);
  expect(seen.slice(3)).toEqual(["r3", "r2", "r1", "r0"]);
  expect(seen.slice(0, 3).toSorted()).toEqual(["r4", "r5", "r6"]);
});

test("the list is filtered by state and searched by id, name, group and tag", async () => {
  const runs = ["alpha", "beta", "gamma"];
  for (const [i, run] of runs.entries()) {
    await insertRun(under.store, { project: "sought", run, createdMs: startMs + i });
    await insertEvents(under.store, { project: "sought", run }, [
      opened({ name: `Name of ${run}`, group: i === 2 ? "Grüße 100%" : "", tags: i === 1 ? ['it\'s "quoted"'] : [] }),
      ...(i === 0 ? [closed(finished)] : []),
    ]);
  }
  const found = async (query: string) => (await page(`project=sought&${query}`)).runs.map(({ run }) => run);
  expect(await found("")).toEqual(["gamma", "beta", "alpha"]);
  expect(await found("state=finished")).toEqual(["alpha"]);
  expect(await found("state=running&limit=1")).toEqual(["gamma"]);
  expect(await found("search=BET")).toEqual(["beta"]);
  expect(await found("search=name%20of")).toEqual(["gamma", "beta", "alpha"]);
  expect(await found(`search=${encodeURIComponent("it's \"q")}`)).toEqual(["beta"]);
  expect(await found(`search=${encodeURIComponent("GRÜSSE")}`)).toEqual([]);
  expect(await found(`search=${encodeURIComponent("grüße 100%")}`)).toEqual(["gamma"]);
  expect(await found(`search=${encodeURIComponent("' OR 1=1 --")}`)).toEqual([]);
});

test("a state that few runs have is found over several pages of candidates", async () => {
  for (let i = 0; i < 12; i++) {
    const run = { project: "rare", run: `r${i}`, createdMs: startMs + i };
    await insertRun(under.store, run);
    await insertEvents(under.store, run, [opened(), ...(i === 0 ? [closed({ outcome: "RUN_OUTCOME_KILLED" })] : [])]);
  }
  const { runs, nextCursor } = await page("project=rare&state=killed&limit=2");
  expect(runs.map(({ run }) => run)).toEqual(["r0"]);
  expect(nextCursor).toBeNull();
});

test("a deleted run is nowhere", async () => {
  const run = { project: "gone", run: "r" };
  await insertRun(under.store, run);
  await insertRun(under.store, { project: "gone", run: "stays" });
  await under.store.insertRows("tombstones", [{ run: keyOf(run).toString(), time_ms: startMs }]);
  expect((await page("project=gone")).runs.map((one) => one.run)).toEqual(["stays"]);
  expect((await under.problem("/api/v1/projects/gone/runs/r")).status).toBe(404);
  const { projects } = await under.get("/api/v1/projects", z.object({ projects: z.array(Project) }));
  expect(projects.find(({ name }) => name === "gone")?.runs).toBe(1);
});

test("projects count their runs, the running and the firing", async () => {
  const run = { project: "counted", run: "a", createdMs: startMs - 1000 };
  await insertRun(under.store, run);
  await insertRun(under.store, { project: "counted", run: "b", createdMs: startMs - 200_000 });
  await insertHeartbeat(under.store, run, startMs + 1);
  await insertHeartbeat(under.store, { project: "counted", run: "b" }, startMs - 100_000);
  const event = { project: "counted", run: keyOf(run).toString(), run_id: "a", rule: "x", level: "high", time_ms: startMs, body: "{}" };
  await under.store.insertRows("incident_events", [
    { ...event, incident: "i1", transition: 1, state: "firing" },
    { ...event, incident: "i2", transition: 1, state: "firing" },
    { ...event, incident: "i2", transition: 2, state: "resolved" },
  ]);
  const { projects } = await under.get("/api/v1/projects", z.object({ projects: z.array(Project) }));
  expect(projects.find(({ name }) => name === "counted")).toEqual({
    name: "counted",
    runs: 2,
    running: 1,
    firing: 1,
    updatedAt: startMs + 1,
  });
  expect((await detail(run)).incidents).toEqual({ firing: 1, total: 2, worst: "high" });
});

test("thousands of runs at once are counted as running", async () => {
  const runs = Array.from({ length: 7_000 }, (_none, i) => ({ project: "busy", run: `run-${i}` }));
  const key = (run: { project: string; run: string }): string => keyOf(run).toString();
  await under.store.insertRows(
    "runs",
    runs.map((run) => ({ project: run.project, run: key(run), id: run.run, created_ms: startMs, month: 202_510 })),
  );
  await under.store.insertRows(
    "heartbeats",
    runs.map((run) => ({ run: key(run), rank: 0, time_ms: startMs + 1, step: null })),
  );
  const { projects } = await under.get("/api/v1/projects", z.object({ projects: z.array(Project) }));
  expect(projects.find(({ name }) => name === "busy")).toMatchObject({ runs: 7_000, running: 7_000 });
});

test("metrics have extents, roles and goals; a definition wins over the habit of names", async () => {
  const run = { project: "metrics", run: "r" };
  await insertRun(under.store, run);
  await insertPoints(under.store, run, [
    { metric: "loss", steps: [0, 5], values: [2, NaN] },
    { metric: "loss", rank: 1, steps: [0, 5, 9], values: [2, 1, -1] },
    { metric: "custom/quality", steps: [1], values: [0.5] },
    { metric: "empty", steps: [], values: [] },
  ]);
  await insertEvents(under.store, run, [
    {
      kind: "metric-definition",
      body: { pattern: "custom/*", role: "METRIC_ROLE_IGNORED", goal: "METRIC_GOAL_MINIMIZE", stepMetric: "epoch" },
    },
    { kind: "metric-definition", body: { pattern: "custom/*", role: "METRIC_ROLE_METRIC", goal: "METRIC_GOAL_MAXIMIZE" } },
  ]);
  expect(await metricsOf(run)).toEqual([
    {
      name: "custom/quality",
      role: "metric",
      goal: "maximize",
      stepMetric: "epoch",
      ranks: [0],
      points: 1,
      nonFinite: 0,
      stepMin: 1,
      stepMax: 1,
      last: 0.5,
      min: 0.5,
      max: 0.5,
    },
    {
      name: "loss",
      role: "loss",
      goal: "minimize",
      stepMetric: null,
      ranks: [0, 1],
      points: 5,
      nonFinite: 1,
      stepMin: 0,
      stepMax: 9,
      last: -1,
      min: -1,
      max: 2,
    },
  ]);
});

test("what a resumed run abandoned is in no summary", async () => {
  const run = { project: "metrics", run: "resumed" };
  await insertRun(under.store, run);
  await insertSession(under.store, run, { producer: 2, session: 1, verStart: 10n, resumeStep: 3 });
  await insertPoints(under.store, run, [
    { metric: "loss", ver: 5n, steps: [0, 1, 2, 3, 4, 5], values: [6, 5, 4, 3, 2, -100] },
    { metric: "loss", ver: 11n, steps: [3], values: [2.5] },
    { metric: "loss", rank: 1, ver: 5n, steps: [4], values: [7] },
  ]);
  const { summary, stepMax } = await detail(run);
  expect({ summary, stepMax }).toEqual({ summary: { loss: 7 }, stepMax: 4 });
  expect(await metricsOf(run)).toMatchObject([{ points: 5, min: 2.5, max: 7, stepMax: 4 }]);
});

test("a run with very many metrics shows the telling ones", async () => {
  const run = { project: "metrics", run: "many" };
  await insertRun(under.store, run);
  await insertPoints(
    under.store,
    run,
    Array.from({ length: 80 }, (_, i) => ({ metric: i === 79 ? "zz/loss" : `a${i}`, steps: [0], values: [i] })),
  );
  const { summary } = await detail(run);
  expect(Object.keys(summary)).toHaveLength(50);
  expect(summary["zz/loss"]).toBe(79);
});
