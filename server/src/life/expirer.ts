// Takes rows off the disk that their project keeps no longer: of each kind all of a run, when nothing of it was received for so
// long. Runs that are pinned stay whole. What is known of a run's points is sealed before they go. As with deletions, what is
// to be done is told by the tables; what arrives for a run later expires in its turn.

import type { Log } from "../observe/log.ts";
import { unfinishedRemovals } from "../storage/queries/removals.ts";
import {
  expiredRows,
  expiringKinds,
  expiringTable,
  expiry,
  type ExpiringKind,
  type RetentionSetting,
  retentionSettings,
} from "../storage/queries/retention.ts";
import type { DataKind } from "../storage/run-tables.ts";
import type { Store } from "../storage/store.ts";
import { aggregateColumns, metricSummaries } from "../summaries/metric-summaries.ts";
import { dayOf, removalRow } from "./removal-row.ts";

export interface ExpirerOptions {
  readonly store: Store;
  readonly nowMs: () => number;
  readonly log: Pick<Log, "info">;
  /** Counts what is being removed. */
  readonly removed: (kind: DataKind, rows: number, bytes: number) => void;
}

/** Runs of one statement; sealing keeps up to 1 000 metrics of each in memory. */
const runsMax = 200;
const dayMs = 86_400_000;

/** One round; resolves with how many settings may have more to remove. */
export function createExpirer({ store, nowMs, log, removed }: ExpirerOptions): () => Promise<number> {
  async function expire({ project, kind, kept_days: days }: RetentionSetting): Promise<boolean> {
    const now = nowMs();
    const keepFrom = dayOf(now - days * dayMs);
    const runs = await store.read(expiredRows(kind), { project, keep_from: keepFrom, limit: runsMax });
    if (runs.length === 0) return false;
    const keys = runs.map(({ run }) => run);
    if (kind === "scalars") await seal(keys, keepFrom, store, now);
    const table = expiringTable(kind);
    await store.insertRows(
      "removals",
      runs.map((one) => removalRow(table, "expired", { ...one, project }, now)),
    );
    await store.change(expiry(kind), { runs: keys, keep_from: keepFrom });
    const rows = runs.reduce((sum, one) => sum + one.rows, 0);
    const bytes = runs.reduce((sum, one) => sum + one.bytes, 0);
    removed(kind, rows, bytes);
    log.info({ table, runs: runs.length, days, rows, bytes }, "removing rows that are kept no longer; bytes are estimated");
    return true;
  }

  return async () => {
    const settings = (await store.read(retentionSettings, { project: "" })).filter((one) => one.kept_days > 0);
    let busy = 0;
    for (const kind of expiringKinds) {
      for (const setting of settings.filter((one) => one.kind === kind)) {
        // One statement a table at a time: rows that are about to go must not be counted twice.
        if ((await isBusy(kind, store)) || (await expire(setting))) busy++;
      }
    }
    return busy;
  };
}

async function isBusy(kind: ExpiringKind, store: Store): Promise<boolean> {
  const unfinished = await store.read(unfinishedRemovals, {});
  return unfinished.some(({ table }) => table === expiringTable(kind));
}

/** Again after a crash, it is the same: what was sealed before counts as long as there are no points. */
async function seal(runs: readonly bigint[], keepFrom: string, store: Store, nowMs: number): Promise<void> {
  const summaries = await metricSummaries(runs, { store, signal: new AbortController().signal });
  const rows = [...summaries].map(([run, { stepMax, metrics }]) => ({
    run: run.toString(),
    sealed_ms: nowMs,
    received_before: keepFrom,
    step_max: stepMax,
    names: [...metrics.keys()],
    ...aggregateColumns([...metrics.values()]),
  }));
  await store.insertRows("sealed_metrics", rows);
}
