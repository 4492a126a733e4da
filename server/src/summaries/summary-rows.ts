// Rows of run_summaries, recomputed from the base tables: the fold of a run's events, the aggregates of its points, its
// incidents. Nothing is added to what was there before, so a row equals a recomputation of the moment it names.

import { detailKinds } from "../api/fold-run.ts";
import { type FoldContext, type Folded, foldRuns } from "../api/run-reader.ts";
import { metricKey } from "../storage/keys.ts";
import { incidentFacts, runIdentities } from "../storage/queries/run-summaries.ts";
import { aggregateColumns, engineFloat, type MetricSummary, metricSummaries } from "./metric-summaries.ts";

type Row = Record<string, unknown>;

/** @param context its clock is read before anything else: rows are as of then. */
export async function summaryRows(runs: readonly bigint[], context: FoldContext): Promise<Row[]> {
  const { store, signal } = context;
  const keys = [...runs];
  const identities = await store.read(runIdentities, { runs: keys }, { signal });
  const [folded, summaries, incidents] = await Promise.all([
    foldRuns(identities, detailKinds, context),
    metricSummaries(keys, context),
    store.read(incidentFacts, { runs: keys }, { signal }),
  ]);
  const incidentsOf = new Map(incidents.map((row) => [row.run, row]));
  return folded.map((run) => ({
    ...described(run, context.nowMs),
    ...metricColumns(summaries.get(run.run), run.folded.summary),
    alerts: incidentsOf.get(run.run)?.rules ?? [],
    firing: incidentsOf.get(run.run)?.firing ?? 0,
    verdicts: incidentsOf.get(run.run)?.verdicts ?? [],
  }));
}

function described({ run, project, id, created_ms, folded }: Folded, nowMs: number): Row {
  const hasEnded = folded.state !== "running" && folded.state !== "crashed";
  return {
    run: run.toString(),
    as_of_ms: nowMs,
    project,
    id,
    created_ms,
    name: folded.name,
    run_group: folded.group,
    job_type: folded.jobType,
    tags: folded.tags,
    notes: folded.notes,
    owner: folded.owner,
    host: typeof folded.environment["host"] === "string" ? folded.environment["host"] : "",
    error: folded.error ?? "",
    ended_state: hasEnded ? folded.state : "",
    ended_ms: hasEnded ? folded.endedAt : 0,
    last_sign_ms: folded.lastSignMs,
    ranks: folded.ranks,
    archived: folded.archived ? 1 : 0,
    pinned: folded.pinned ? 1 : 0,
    config: JSON.stringify(folded.config),
    set_summary: JSON.stringify(folded.summary),
    ...byType("config", folded.config),
    ...byType("fact", folded.facts),
  };
}

const nonFinite: ReadonlySet<unknown> = new Set(["NaN", "Infinity", "-Infinity"]);

/** Lists and objects are texts, as JSON; null is absent. */
function byType(prefix: string, values: Readonly<Record<string, unknown>>): Row {
  const numbers: [string, unknown][] = [];
  const texts: [string, string][] = [];
  const flags: [string, number][] = [];
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === "number" || nonFinite.has(value)) numbers.push([key, engineFloat(Number(value))]);
    else if (typeof value === "boolean") flags.push([key, value ? 1 : 0]);
    else if (value !== null && value !== undefined) texts.push([key, typeof value === "string" ? value : JSON.stringify(value)]);
  }
  return {
    [`${prefix}_numbers`]: Object.fromEntries(numbers),
    [`${prefix}_texts`]: Object.fromEntries(texts),
    [`${prefix}_flags`]: Object.fromEntries(flags),
  };
}

/** A number that the run set itself stands for the last value of its name, with or without points. */
function metricColumns(summary: MetricSummary | undefined, set: Readonly<Record<string, number | string>>): Row {
  const metrics = new Map(summary?.metrics);
  for (const [name, value] of Object.entries(set)) {
    const number = typeof value === "number" || nonFinite.has(value) ? Number(value) : undefined;
    if (number !== undefined) metrics.set(name, [number, ...(metrics.get(name)?.slice(1) ?? Array<number>(7).fill(Number.NaN))]);
  }
  return {
    step_max: summary?.stepMax ?? null,
    metrics: [...metrics.keys()].map((name) => metricKey(name).toString()),
    metric_names: [...metrics.keys()],
    ...aggregateColumns([...metrics.values()], "summary_"),
  };
}
