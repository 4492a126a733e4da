// Random runs: rows for the tables as ingest would write them, and beside them what filters should see, worked out here
// in the slowest way. Points are overwritten, sent twice, and abandoned by resumed sessions.

import type { Store } from "../../src/storage/store.ts";
import { type Random, seededRandom } from "../../../test/seeded-random.ts";
import { insertEvents, insertHeartbeat, insertPoints, insertRun, insertSession, keyOf, startMs } from "../api/api-under-test.ts";
import { keys, metrics, numbers, words } from "./arbitrary-filter.ts";
import type { SeenRun } from "./evaluate.ts";

export const silenceMs = 60_000;

interface Point {
  readonly metric: string;
  readonly rank: number;
  readonly step: number;
  readonly value: number;
  readonly ver: number;
}

/** Inserts `count` runs of a project; resolves with what filters see, by id. */
export async function insertRunSet(store: Store, project: string, count: number, seed: number): Promise<Map<string, SeenRun>> {
  const random = seededRandom(seed);
  const seen = new Map<string, SeenRun>();
  const { gathering, flush } = gatherRows(store);
  for (let i = 0; i < count; i++) {
    const id = `run-${i}`;
    seen.set(id, await insertOne(gathering, { project, run: id, createdMs: startMs - random.integer(200_000) }, random));
  }
  await flush();
  return seen;
}

/** Rows of a table go in with one insert: hundreds of small ones take most of a test's time. */
function gatherRows(store: Store): { gathering: Store; flush: () => Promise<void> } {
  const rows = new Map<string, Record<string, unknown>[]>();
  const gathering: Store = {
    ...store,
    insertRows: async (table, some) => void rows.set(table, [...(rows.get(table) ?? []), ...some]),
  };
  return {
    gathering,
    async flush() {
      for (const [table, all] of rows) await store.insertRows(table, all);
    },
  };
}

const pick = <Item>(random: Random, from: readonly Item[]): Item => from[random.integer(from.length)] as Item;
const chance = (random: Random, share: number): boolean => random.uniform() < share;

async function insertOne(store: Store, run: { project: string; run: string; createdMs: number }, random: Random): Promise<SeenRun> {
  await insertRun(store, run);
  const config = new Map(
    keys.filter(() => chance(random, 0.4)).map((key) => [key, pick(random, [...numbers, ...words, true, false, ["a", 1]])] as const),
  );
  const facts = {
    ...(chance(random, 0.5) ? { plannedSteps: String(random.integer(3)) } : {}),
    ...(chance(random, 0.5) ? { lossKind: "LOSS_KIND_CROSS_ENTROPY" } : {}),
    ...(chance(random, 0.5) ? { sanityRun: chance(random, 0.5) } : {}),
    ...(chance(random, 0.3) ? { augmentation: ["a", "b"] } : {}),
  };
  const opened = {
    name: pick(random, words),
    group: pick(random, words),
    tags: words.slice(1).filter(() => chance(random, 0.3)),
    notes: pick(random, words),
    owner: pick(random, words),
    environment: { host: pick(random, words) },
    config: [...config].map(([key, value]) => configEntry(key, value)),
    facts,
  };
  const edit = chance(random, 0.3) ? { name: pick(random, words), archived: chance(random, 0.5), pinned: chance(random, 0.5) } : undefined;
  const error = pick(random, words);
  const outcome = chance(random, 0.5) ? pick(random, ["FINISHED", "FAILED", "KILLED", "PREEMPTED"]) : undefined;
  const set = chance(random, 0.2) ? { key: pick(random, metrics), value: pick(random, numbers) } : undefined;
  await insertEvents(store, run, [
    { kind: "opened", body: opened, timeMs: run.createdMs },
    ...(set === undefined ? [] : [{ kind: "summary", body: { key: set.key, number: protoNumber(set.value) } }]),
    ...(edit === undefined ? [] : [{ kind: "edited", body: edit }]),
    ...(outcome === undefined ? [] : [{ kind: "closed", body: { outcome: `RUN_OUTCOME_${outcome}`, error }, timeMs: startMs - 500 }]),
  ]);
  const beatMs = chance(random, 0.8) ? startMs - random.integer(2) * 70_000 : 0;
  await insertHeartbeat(store, run, beatMs);
  const rules = ["exploding-gradient", "a"]
    .filter(() => chance(random, 0.3))
    .map((rule) => ({ rule, fires: chance(random, 0.5), verdict: pick(random, ["", "real", "a"]) }));
  await store.insertRows(
    "incident_events",
    rules.flatMap((incident, i) => incidentRows(run, incident, `${run.project}${run.run}${i}`)),
  );
  const summary = await insertRandomPoints(store, run, random);
  if (set !== undefined) summary.set(set.key, { ...summary.get(set.key), last: set.value });

  const lastSign = Math.max(beatMs, run.createdMs, ...(outcome === undefined ? [] : [startMs - 500]));
  const isSilent = startMs - lastSign >= silenceMs;
  const state = outcome?.toLowerCase() ?? (isSilent ? "crashed" : "running");
  const endMs = outcome !== undefined ? startMs - 500 : isSilent ? lastSign : startMs;
  const name = edit?.name ?? opened.name;
  const texts = {
    name,
    id: run.run,
    project: run.project,
    group: opened.group,
    owner: opened.owner,
    host: opened.environment.host,
    note: opened.notes,
    error: outcome === undefined ? "" : error,
  };
  const steps = [...summary.values()].map((one) => (one as { stepMax?: number }).stepMax ?? -1);
  const setOf = (all: readonly string[]): readonly string[] | undefined => (all.length === 0 ? undefined : [...new Set(all)]);
  return {
    plain: {
      ...Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text === "" ? undefined : text])),
      state,
      tag: setOf(opened.tags),
      created: run.createdMs,
      duration: endMs - run.createdMs,
      step: steps.some((step) => step >= 0) ? Math.max(...steps) : undefined,
      alert: setOf(rules.map(({ rule }) => rule).toSorted()),
      firing: rules.filter(({ fires }) => fires).length,
      verdict: setOf(
        rules
          .map(({ verdict }) => verdict)
          .filter((verdict) => verdict !== "")
          .toSorted(),
      ),
      archived: edit?.archived ?? false,
      pinned: edit?.pinned ?? false,
    },
    config: new Map([...config].map(([key, value]) => [key, Array.isArray(value) ? JSON.stringify(value) : value])),
    fact: new Map<string, number | string | boolean>([
      ...("plannedSteps" in facts ? [["plannedSteps", Number(facts.plannedSteps)] as const] : []),
      ...("lossKind" in facts ? [["lossKind", "cross-entropy"] as const] : []),
      ...("sanityRun" in facts ? [["sanityRun", facts.sanityRun] as const] : []),
      ...("augmentation" in facts ? [["augmentation", '["a","b"]'] as const] : []),
    ]),
    summary,
  };
}

/** As protobuf's JSON has doubles. */
const protoNumber = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

function configEntry(key: string, value: unknown): Record<string, unknown> {
  if (typeof value === "number") return { key, number: protoNumber(value) };
  if (typeof value === "string") return { key, text: value };
  return typeof value === "boolean" ? { key, flag: value } : { key, json: JSON.stringify(value) };
}

function incidentRows(
  run: { project: string; run: string },
  { rule, fires, verdict }: { rule: string; fires: boolean; verdict: string },
  incident: string,
): Record<string, unknown>[] {
  const row = { project: run.project, run: keyOf(run).toString(), run_id: run.run, incident, rule, level: "high", time_ms: startMs };
  return [
    { ...row, transition: 1, state: fires ? "resolved" : "firing", body: JSON.stringify({ verdict: "stale" }) },
    { ...row, transition: 2, state: fires ? "firing" : "resolved", body: JSON.stringify({ verdict }) },
  ];
}

/** Two ranks; the first is resumed at a step in the middle half of the time. */
async function insertRandomPoints(
  store: Store,
  run: { project: string; run: string },
  random: Random,
): Promise<Map<string, Record<string, number>>> {
  const points: Point[] = [];
  for (const metric of metrics.filter(() => chance(random, 0.7))) {
    for (let i = random.integer(12); i > 0; i--) {
      points.push({ metric, rank: random.integer(2), step: random.integer(5), value: pick(random, numbers), ver: 1 + random.integer(100) });
    }
  }
  const cut = chance(random, 0.5) ? { verStart: 50, resumeStep: random.integer(5) } : undefined;
  if (cut !== undefined)
    await insertSession(store, run, { producer: 2, session: 1, verStart: BigInt(cut.verStart), resumeStep: cut.resumeStep });
  // One version has one value for a step: versions are of batches.
  const distinct = [...new Map(points.map((point) => [JSON.stringify([point.metric, point.rank, point.step, point.ver]), point])).values()];
  const twice = [...distinct, ...distinct.filter(() => chance(random, 0.3))];
  await insertPoints(
    store,
    run,
    twice.map(({ metric, rank, step, value, ver }) => ({ metric, rank, ver: BigInt(ver), steps: [step], values: [value] })),
  );
  return aggregatesOf(distinct, cut);
}

/** Of every (metric, rank, step) the newest write, unless it was abandoned. */
function aggregatesOf(
  points: readonly Point[],
  cut: { verStart: number; resumeStep: number } | undefined,
): Map<string, Record<string, number>> {
  const newest = new Map<string, Point>();
  for (const point of points) {
    const key = JSON.stringify([point.metric, point.rank, point.step]);
    if ((newest.get(key)?.ver ?? 0) <= point.ver) newest.set(key, point);
  }
  const shown = [...newest.values()].filter(
    ({ rank, ver, step }) => cut === undefined || rank !== 0 || ver >= cut.verStart || step < cut.resumeStep,
  );
  return new Map([...Map.groupBy(shown, ({ metric }) => metric)].map(([metric, all]) => [metric, aggregate(all)]));
}

function aggregate(points: readonly Point[]): Record<string, number> {
  const ordered = points.toSorted((a, b) => a.step - b.step || a.rank - b.rank);
  const finite = ordered.filter(({ value }) => Number.isFinite(value));
  const stepMax = Math.max(...ordered.map(({ step }) => step));
  const counts = {
    first: ordered[0]?.value as number,
    last: ordered.find(({ step }) => step === stepMax)?.value as number,
    count: points.length,
    nonfinite: points.length - finite.length,
    stepMax,
  };
  if (finite.length === 0) return counts;
  const min = Math.min(...finite.map(({ value }) => value));
  const max = Math.max(...finite.map(({ value }) => value));
  const stepOf = (wanted: number): number => finite.find(({ value }) => value === wanted)?.step as number;
  return { ...counts, min, max, argmin: stepOf(min), argmax: stepOf(max) };
}
