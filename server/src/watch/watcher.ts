// Watches live runs: one detector a run, fed after commit, in the order of commits. Keeps detector snapshots in the store,
// so that a restarted or another server goes on where this one was: on the first sight of a run it restores the
// newest snapshot and replays what was stored after it. Watching never delays or fails an acknowledgement.

import { setTimeout as sleep } from "node:timers/promises";
import type { AlertNotice, MetricDefinition } from "@gradwatch/proto";
import { createRunDetector, type RunDetector } from "../detect/engine.ts";
import type { MetricRole, ObservationBatch } from "../detect/observation.ts";
import { defaultRole } from "../detect/roles.ts";
import type { RuleStatus, Transition } from "../detect/transition.ts";
import type { CommitItem } from "../ingest/insert-group.ts";
import type { KnownRun } from "../ingest/known-run.ts";
import { metricRoleNames } from "../ingest/wire-names.ts";
import type { Store } from "../storage/store.ts";
import { observationsOf } from "./observations.ts";
import { createRoleTable, type RoleTable } from "./role-table.ts";
import { loadWatched } from "./restore.ts";
import type { SeenVersions } from "./seen-versions.ts";
import { userAlertTransition } from "./user-alerts.ts";

export interface WatcherOptions {
  readonly store: Store;
  readonly nowMs: () => number;
  /** Stores transitions as incidents and publishes them; resolves with what the training process is told. */
  readonly record: (run: KnownRun, transitions: readonly Transition[]) => Promise<readonly AlertNotice[]>;
  readonly notify: (run: KnownRun, notices: readonly AlertNotice[]) => void;
  readonly failed: (what: string, error: unknown) => void;
  /** Snapshots of a busy run are at least this far apart. */
  readonly snapshotIntervalMs: number;
}

export interface Watcher {
  committed(items: readonly CommitItem[]): void;
  /** A rank said how the run ended. */
  closed(run: KnownRun): Promise<void>;
  status(run: KnownRun): Promise<readonly RuleStatus[]>;
  /** Finishes what is queued, as far as that takes seconds, and stores every snapshot. */
  drained(): Promise<void>;
}

interface Watched {
  readonly run: KnownRun;
  readonly detector: RunDetector;
  readonly roles: RoleTable;
  readonly seen: SeenVersions;
  snapshotMs: number;
  dirty: boolean;
}

/** Runs watched at once; the one idle longest is stored and let go. */
const watchedMax = 2_000;
const snapshotsPerInsert = 100;
const drainPatienceMs = 5_000;

export function createWatcher(options: WatcherOptions): Watcher {
  const { store, nowMs } = options;
  const watched = new Map<bigint, Promise<Watched>>();
  // One line of work a run: commits of one run are watched in order, other runs do not wait for it.
  const lines = new Map<bigint, Promise<void>>();

  function enqueue(run: KnownRun, what: string, work: (entry: Watched) => Promise<void>): Promise<void> {
    const line = (lines.get(run.key) ?? Promise.resolve())
      .then(async () => work(await entryOf(run)))
      .catch((error: unknown) => options.failed(`${what} of run ${run.project}/${run.id}`, error));
    lines.set(run.key, line);
    void line.then(() => {
      if (lines.get(run.key) === line) lines.delete(run.key);
    });
    return line;
  }

  async function entryOf(run: KnownRun): Promise<Watched> {
    const existing = watched.get(run.key);
    const loading = existing ?? restore(run);
    watched.delete(run.key);
    watched.set(run.key, loading);
    if (existing === undefined) loading.catch(() => watched.delete(run.key));
    if (watched.size > watchedMax) await evict();
    return await loading;
  }

  async function evict(): Promise<void> {
    const [key, loading] = watched.entries().next().value as [bigint, Promise<Watched>];
    if (lines.has(key)) return;
    watched.delete(key);
    await snapshot(await loading);
  }

  async function restore(run: KnownRun): Promise<Watched> {
    const stored = await loadWatched(store, run);
    const roles = createRoleTable(defaultRole);
    for (const definition of stored.definitions) defineRole(roles, definition);
    const entry: Watched = {
      run,
      detector: createRunDetector(stored.snapshot === undefined ? {} : { snapshot: stored.snapshot }),
      roles,
      seen: stored.seen,
      snapshotMs: nowMs(),
      dirty: false,
    };
    // A server that ended between storing an alert and telling of it: what was told already is not told again.
    if (stored.userAlerts.length > 0) options.notify(run, await options.record(run, stored.userAlerts));
    for await (const batch of stored.replay((metric) => roles.roleOf(metric))) await observe(entry, batch.observations, batch.ver);
    return entry;
  }

  async function observe(entry: Watched, observations: ObservationBatch, ver: bigint): Promise<void> {
    if (!entry.seen.note(observations.rank, ver)) return;
    // Late batches go in as well: the detector knows which of its rules may see them.
    const transitions = entry.detector.observe(observations);
    entry.dirty = true;
    if (transitions.length > 0) await report(entry, transitions);
  }

  async function report(entry: Watched, transitions: readonly Transition[]): Promise<void> {
    const notices = await options.record(entry.run, transitions);
    options.notify(entry.run, notices);
    await snapshot(entry);
  }

  async function snapshot(...entries: readonly Watched[]): Promise<void> {
    const rows = entries
      .filter(({ dirty }) => dirty)
      .map((entry) => {
        entry.dirty = false;
        entry.snapshotMs = nowMs();
        const state = JSON.stringify({ seen: entry.seen.save(), detector: entry.detector.snapshot() });
        return { run: entry.run.key.toString(), rank: 0, time_ms: nowMs(), state };
      });
    await store.insertRows("detector_snapshots", rows);
  }

  return {
    committed(items) {
      for (const [run, group] of Map.groupBy(items, (item) => item.run)) {
        void enqueue(run, "watching", async (entry) => {
          for (const item of group) {
            const raised: Transition[] = [];
            for (const { event, step } of item.batch.body.events) {
              if (event.case === "metricDefinition") defineRole(entry.roles, event.value);
              if (event.case === "userAlert") {
                raised.push(userAlertTransition(event.value, item.batch.body.rank, step === undefined ? undefined : Number(step)));
              }
            }
            if (raised.length > 0) options.notify(run, await options.record(run, raised));
            await observe(
              entry,
              observationsOf(item, (metric) => entry.roles.roleOf(metric)),
              item.batch.ver,
            );
          }
          if (nowMs() - entry.snapshotMs >= options.snapshotIntervalMs) await snapshot(entry);
        });
      }
    },
    closed: (run) =>
      enqueue(run, "closing", async (entry) => {
        const transitions = entry.detector.finish();
        entry.dirty = true;
        if (transitions.length > 0) await report(entry, transitions);
        else await snapshot(entry);
      }),
    async status(run) {
      let status: readonly RuleStatus[] = [];
      await enqueue(run, "status", async (entry) => {
        status = entry.detector.status();
      });
      return status;
    },
    async drained() {
      // A run that is still being restored is restored again at the next start, and loses nothing.
      await Promise.race([Promise.all(lines.values()), sleep(drainPatienceMs, undefined, { ref: false })]);
      const idle = [...watched].flatMap(([key, loading]) => (lines.has(key) ? [] : [loading]));
      const entries = (await Promise.allSettled(idle)).flatMap((loaded) => (loaded.status === "fulfilled" ? [loaded.value] : []));
      // Together: one by one, the snapshots of some hundred live runs take longer than a server has for stopping.
      for (let from = 0; from < entries.length; from += snapshotsPerInsert) {
        await snapshot(...entries.slice(from, from + snapshotsPerInsert)).catch((error: unknown) => options.failed("snapshots", error));
      }
    },
  };
}

function defineRole(roles: RoleTable, definition: MetricDefinition): void {
  const role: MetricRole | undefined = metricRoleNames[definition.role];
  if (role !== undefined) roles.define(definition.pattern, role);
}
