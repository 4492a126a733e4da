// Runs as the API shows them, put together from identities, events, signs of life, last values and incidents. A page costs
// a fixed number of reads, whatever its length.

import { incidentCounts } from "../storage/queries/incidents.ts";
import { runSummaries } from "../storage/queries/metrics.ts";
import { rankHeartbeats, runEvents, runHeartbeats, runSessions } from "../storage/queries/runs.ts";
import { sealedMetrics, type SealedMetrics } from "../storage/queries/sealed-metrics.ts";
import { sessionCuts } from "../storage/queries/session-cut.ts";
import type { Tenant } from "../auth/principal.ts";
import type { Store } from "../storage/store.ts";
import { detailKinds, foldRun, type FoldedRun } from "./fold-run.ts";
import { jsonFloat } from "./json-float.ts";
import type { AlertLevel, Float, Run, RunDetail } from "./schema.ts";

/** Identity of a run, as stored. */
export interface StoredRun {
  readonly project: string;
  readonly run: bigint;
  readonly id: string;
  readonly created_ms: number;
}

export interface ReadContext {
  readonly store: Store;
  readonly nowMs: number;
  /** A run that was silent for longer and did not end has crashed. */
  readonly silenceMs: number;
  /** The projects that the asking key is for: every list is limited to them. */
  readonly tenant: Tenant;
  /** Aborted when the asker has gone. */
  readonly signal: AbortSignal;
}

/** Events folded for one run, per kind: its newest. */
const listedEventsMax = 500;
const detailEventsMax = 5_000;
const summaryMetricsMax = 50;
/** Keys bound in one query: about 22 bytes each of an address that may have 1 MiB. */
const keysPerRead = 5_000;

/** Reading runs that were found already. */
export type FoldContext = Omit<ReadContext, "tenant">;

export type Folded = StoredRun & { readonly folded: FoldedRun };

/** State and descriptions, without numbers: what filtering needs. */
export async function foldRuns(runs: readonly StoredRun[], kinds: readonly string[], context: FoldContext): Promise<Folded[]> {
  const folded: Folded[] = [];
  for (let from = 0; from < runs.length; from += keysPerRead) {
    folded.push(...(await foldSome(runs.slice(from, from + keysPerRead), kinds, context)));
  }
  return folded;
}

async function foldSome(runs: readonly StoredRun[], kinds: readonly string[], context: FoldContext): Promise<Folded[]> {
  const { store, signal } = context;
  const keys = runs.map(({ run }) => run);
  const [events, heartbeats] = await Promise.all([
    store.read(
      runEvents,
      { runs: keys, kinds: [...kinds], per_run: kinds === detailKinds ? detailEventsMax : listedEventsMax },
      { signal },
    ),
    store.read(runHeartbeats, { runs: keys }, { signal }),
  ]);
  const eventsOf = Map.groupBy(events, ({ run }) => run);
  const lastMs = new Map(heartbeats.map(({ run, last_ms }) => [run, last_ms]));
  return runs.map((run) => {
    const heartbeat = Math.max(lastMs.get(run.run) ?? 0, run.created_ms);
    return { ...run, folded: foldRun(eventsOf.get(run.run) ?? [], heartbeat, context.nowMs, context.silenceMs) };
  });
}

export async function completeRuns(runs: readonly Folded[], context: ReadContext): Promise<Run[]> {
  if (runs.length === 0) return [];
  const { store, signal } = context;
  const keys = runs.map(({ run }) => run);
  const [summaries, sealed, incidents] = await Promise.all([
    sessionCuts(store, keys, signal).then((cuts) =>
      store.read(runSummaries, { runs: keys, metrics_per_run: summaryMetricsMax, ...cuts }, { signal }),
    ),
    store.read(sealedMetrics, { runs: keys }, { signal }),
    store.read(incidentCounts, { runs: keys }, { signal }),
  ]);
  const sealedOf = new Map(sealed.map((row) => [row.run, row]));
  const summariesOf = Map.groupBy(summaries, ({ run }) => run);
  const incidentsOf = new Map(incidents.map((row) => [row.run, row]));
  return runs.map(({ run: key, project, id, created_ms, folded }) => {
    const summary = summariesOf.get(key) ?? [];
    const gone = sealedOf.get(key);
    const counts = incidentsOf.get(key);
    return {
      project,
      run: id,
      name: folded.name,
      group: folded.group,
      jobType: folded.jobType,
      tags: folded.tags,
      notes: folded.notes,
      archived: folded.archived,
      pinned: folded.pinned,
      state: folded.state,
      createdAt: created_ms,
      updatedAt: folded.lastSignMs,
      endedAt: folded.endedAt,
      ranks: folded.ranks,
      stepMax: largest([...summary.map(({ step_max }) => step_max), gone?.step_max ?? null]),
      config: folded.config,
      summary: {
        ...lastOf(gone),
        ...(Object.fromEntries(summary.map(({ name, last }) => [name, jsonFloat(last)])) as Record<string, Float>),
        ...folded.summary,
      },
      incidents: { firing: counts?.firing ?? 0, total: counts?.total ?? 0, worst: worstOf(counts?.levels ?? []) },
    };
  });
}

const largest = (steps: readonly (number | null)[]): number | null =>
  steps.reduce((most, step) => (most === null || (step !== null && step > most) ? step : most), null);

/** Last values of points that expired. */
const lastOf = (sealed: SealedMetrics | undefined): Record<string, Float> =>
  Object.fromEntries((sealed?.names ?? []).slice(0, summaryMetricsMax).map((name, i) => [name, jsonFloat(sealed?.last[i] as number)]));

export async function readRunDetail(run: StoredRun, context: ReadContext): Promise<RunDetail> {
  const { store, signal } = context;
  const [folded] = (await foldRuns([run], detailKinds, context)) as [Folded];
  const [[complete], sessions, life] = await Promise.all([
    completeRuns([folded], context),
    store.read(runSessions, { run: run.run }, { signal }),
    store.read(rankHeartbeats, { run: run.run }, { signal }),
  ]);
  const { error, stack, exitCode, facts, environment, checkpoints, drops, forkedFrom } = folded.folded;
  const lifeOf = new Map(life.map((row) => [row.rank, row]));
  return {
    ...(complete as Run),
    error,
    stack,
    exitCode,
    forkedFrom,
    rankStates: folded.folded.rankStates.map(({ rank, ended }) => {
      const { time_ms: lastSignAt = null, step: lastStep = null } = lifeOf.get(rank) ?? {};
      const isSilent = context.nowMs - (lastSignAt ?? run.created_ms) >= context.silenceMs;
      return { rank, state: ended ?? (isSilent ? "crashed" : "running"), lastStep, lastSignAt };
    }),
    facts,
    environment,
    checkpoints,
    drops,
    sessions: sessions.map(({ session, rank, opened_ms, resume_step }) => ({
      session,
      rank,
      openedAt: opened_ms,
      resumeStep: resume_step,
    })),
  };
}

const levels: readonly AlertLevel[] = ["critical", "high", "warn", "info"];
export const worstOf = (present: readonly AlertLevel[]): AlertLevel | null => levels.find((level) => present.includes(level)) ?? null;
