// Takes rows of deleted runs off the disk once nobody can bring them back, and again whatever arrives for them later. What is
// to be done is told by the tables alone: any number of servers may do it, and one that was killed half-way misses
// nothing. The tombstone stays, so that the run does.

import type { Log } from "../observe/log.ts";
import { removalRow } from "./removal-row.ts";
import { graceMs } from "../storage/queries/deleted-runs.ts";
import { doomedRows, removal, unfinishedRemovals } from "../storage/queries/removals.ts";
import { type DataKind, identityTable, runTables, type RunTable } from "../storage/run-tables.ts";
import type { Store } from "../storage/store.ts";

export interface RemoverOptions {
  readonly store: Store;
  readonly nowMs: () => number;
  readonly log: Pick<Log, "info" | "warn">;
  /** Counts what is being removed. */
  readonly removed: (kind: DataKind, rows: number, bytes: number) => void;
}

/** Clocks of several servers may differ: what one of them may still take back is not removed by another. */
const clockMarginMs = 3_600_000;
/** Runs of one statement; their keys are in its text. */
const runsMax = 1_000;

/** One round; resolves with how many tables still had rows to remove. Called again until it is 0, and then now and then. */
export function createRemover({ store, nowMs, log, removed }: RemoverOptions): () => Promise<number> {
  async function removeFrom({ name, kind }: RunTable): Promise<boolean> {
    const doomed = await store.read(doomedRows(name), { deleted_before_ms: nowMs() - graceMs - clockMarginMs, limit: runsMax });
    if (doomed.length === 0) return false;
    // First what it will have been: where it ends in between, the same is said once more.
    await store.insertRows(
      "removals",
      doomed.map((one) => removalRow(name, "deleted", one, nowMs())),
    );
    await store.change(removal(name), { runs: doomed.map(({ run }) => run) });
    const rows = doomed.reduce((sum, one) => sum + one.rows, 0);
    const bytes = doomed.reduce((sum, one) => sum + one.bytes, 0);
    removed(kind, rows, bytes);
    log.info({ table: name, runs: doomed.length, rows, bytes }, "removing rows of deleted runs; bytes are estimated");
    return true;
  }

  /** Failures are told once. */
  let told: ReadonlySet<string> = new Set();

  return async () => {
    const unfinished = new Map((await store.read(unfinishedRemovals, {})).map(({ table, failure }) => [table, failure]));
    let busy = 0;
    for (const table of runTables) {
      // Whose the rows are is forgotten when nothing else is left.
      if (table === identityTable && busy > 0) {
        busy++;
        continue;
      }
      const failure = unfinished.get(table.name);
      if (failure !== undefined) {
        busy++;
        // Its code alone: the rest quotes data.
        const code = /Code: (\d+)/.exec(failure)?.[1];
        if (failure !== "" && !told.has(table.name))
          log.warn({ table: table.name, code }, "rows of deleted runs cannot be removed; storage goes on trying");
      } else if (await removeFrom(table)) busy++;
    }
    told = new Set([...unfinished].flatMap(([table, failure]) => (failure === "" ? [] : [table])));
    return busy;
  };
}
