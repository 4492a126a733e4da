// Incidents are stored before they are told, once each, and survive a restart of the server that found them.

import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { AlertLevel, IncidentState as WireState } from "@gradwatch/proto";
import { alertNotice } from "../../src/alerts/alert-notice.ts";
import { createIncidentLog, type IncidentLog, type IncidentRun } from "../../src/alerts/incident-log.ts";
import { Incident, type LiveEvent } from "../../src/api/schema.ts";
import type { Transition } from "../../src/detect/transition.ts";
import { runKey } from "../../src/storage/keys.ts";
import { defineQuery, Integer, UInt64 } from "../../src/storage/query.ts";
import type { Store } from "../../src/storage/store.ts";
import { type ApiUnderTest, apiUnderTest, startMs } from "../api/api-under-test.ts";

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

const runOf = (id: string): IncidentRun => ({ key: runKey("p", id), project: "p", id });

const firing: Transition = {
  rule: "non-finite",
  ruleVersion: 1,
  subject: "loss",
  rank: 0,
  state: "firing",
  level: "critical",
  title: "loss is NaN",
  message: "loss became NaN at step 7",
  advice: ["lower the learning rate"],
  onsetStep: 7,
  firingStep: 7,
  resolvedStep: null,
  evidence: {
    statistic: { name: "non-finite values", value: NaN, threshold: Infinity },
    window: { series: "loss", steps: [5, 6, 7], values: [1, -Infinity, NaN] },
    topTensors: [{ name: "dense/kernel", kind: "gradient", value: Infinity }],
    ruledOut: ["a data problem"],
    batchIds: ["b7"],
  },
  lastCheckpoint: { step: 5, path: "/ckpt/5" },
};
const resolved: Transition = { ...firing, state: "resolved", message: "finite again", resolvedStep: 20 };

function logOver(store: Store = under.store): { log: IncidentLog; told: LiveEvent[]; tick: () => void } {
  const told: LiveEvent[] = [];
  let nowMs = startMs;
  const log = createIncidentLog({
    store,
    hub: { publish: (event) => told.push(event) },
    nowMs: () => nowMs,
    publicUrl: () => "http://127.0.0.1:7070",
  });
  return { log, told, tick: () => (nowMs += 1000) };
}

const rowsOf = defineQuery({
  name: "rows-of-incidents",
  sql: `SELECT transition, state, body FROM incident_events FINAL WHERE run = {run:UInt64} ORDER BY incident, transition`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ transition: Integer, state: z.string(), body: z.string() }),
});
const stored = async (run: IncidentRun) =>
  (await under.store.read(rowsOf, { run: run.key })).map(({ transition, state }) => `${transition} ${state}`);

test("a firing rule becomes a stored, published incident with its non-finite evidence", async () => {
  const run = runOf("fires");
  const { log, told } = logOver();
  const [incident] = await log.record(run, [firing]);
  expect(Incident.parse(incident)).toEqual(incident);
  expect(incident).toMatchObject({ state: "firing", openings: 1, openedAt: startMs, resolvedAt: null, project: "p", run: "fires" });
  expect(incident?.url).toBe(`http://127.0.0.1:7070/projects/p/runs/fires#incident-${incident?.id}`);
  expect(incident?.evidence.statistic).toEqual({ name: "non-finite values", value: "NaN", threshold: "Infinity" });
  expect(incident?.evidence.window?.values).toEqual([1, "-Infinity", "NaN"]);
  expect(told).toEqual([{ type: "incident", incident }]);
  const [row] = await under.store.read(rowsOf, { run: run.key });
  expect(JSON.parse(row?.body ?? "")).toEqual(incident);
});

test("the same again is not repeated; a change updates; coming back raises the openings", async () => {
  const run = runOf("life");
  const { log, told, tick } = logOver();
  await log.record(run, [firing]);
  tick();
  expect(await log.record(run, [firing, { ...firing, state: "updated" }])).toEqual([]);
  const [worse] = await log.record(run, [{ ...firing, state: "updated", message: "still NaN at step 9" }]);
  expect(worse).toMatchObject({ state: "firing", openings: 1, openedAt: startMs, updatedAt: startMs + 1000 });
  tick();
  const [ended] = await log.record(run, [resolved]);
  expect(ended).toMatchObject({ state: "resolved", resolvedStep: 20, resolvedAt: startMs + 2000 });
  tick();
  const [again] = await log.record(run, [{ ...firing, onsetStep: 30, firingStep: 31 }]);
  expect(again).toMatchObject({ state: "firing", openings: 2, openedAt: startMs, resolvedStep: null, resolvedAt: null });
  expect(await stored(run)).toEqual(["1 firing", "2 firing", "3 resolved", "4 firing"]);
  expect(told).toHaveLength(4);
});

test("one call may carry several incidents and several transitions of one", async () => {
  const run = runOf("several");
  const { log } = logOver();
  const said = await log.record(run, [firing, resolved, { ...firing, subject: "accuracy" }]);
  expect(said.map(({ subject, state }) => `${subject} ${state}`)).toEqual(["loss firing", "loss resolved", "accuracy firing"]);
  expect(new Set(said.map(({ id }) => id)).size).toBe(2);
});

test("a resolution of what never fired is nothing", async () => {
  const { log, told } = logOver();
  expect(await log.record(runOf("calm"), [resolved])).toEqual([]);
  expect(told).toEqual([]);
});

test("a restarted server goes on with the ordinals and keeps silent about a replay", async () => {
  const run = runOf("restart");
  await logOver().log.record(run, [firing, resolved]);
  const after = logOver();
  expect(await after.log.record(run, [firing, resolved])).toEqual([]);
  expect(after.told).toEqual([]);
  const [again] = await after.log.record(run, [{ ...firing, firingStep: 40 }]);
  expect(again?.openings).toBe(2);
  expect(await stored(run)).toEqual(["1 firing", "2 resolved", "3 firing"]);
});

test("the same failure after a resume, in the same server, is a new opening", async () => {
  const run = runOf("resumed");
  const { log } = logOver();
  await log.record(run, [firing, resolved]);
  const [again] = await log.record(run, [firing]);
  expect(again?.openings).toBe(2);
});

test("what could not be stored is not told, and a repetition takes the same ordinal", async () => {
  const run = runOf("flaky");
  let broken = true;
  const flaky: Store = {
    ...under.store,
    async insertRows(table, rows) {
      await under.store.insertRows(table, rows);
      // Stored, but the answer was lost: as a crash in between.
      if (broken) throw new Error("connection lost");
    },
  };
  const { log, told } = logOver(flaky);
  await expect(log.record(run, [firing])).rejects.toThrow("connection lost");
  expect(told).toEqual([]);
  broken = false;
  expect(await log.record(run, [firing])).toHaveLength(1);
  expect(told).toHaveLength(1);
  expect(await stored(run)).toEqual(["1 firing"]);
});

test("the training process gets the same numbers", async () => {
  const [incident] = await logOver().log.record(runOf("notice"), [firing]);
  expect(alertNotice(incident as Incident)).toMatchObject({
    project: "p",
    runId: "notice",
    incident: incident?.id,
    rule: "non-finite",
    state: WireState.FIRING,
    level: AlertLevel.CRITICAL,
    subject: "loss",
    rank: 0,
    onsetStep: 7n,
    firingStep: 7n,
    statistic: NaN,
    threshold: Infinity,
    lastCheckpoint: { step: 5n, path: "/ckpt/5" },
    url: incident?.url,
  });
});
