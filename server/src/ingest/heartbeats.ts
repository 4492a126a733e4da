// Signs of life of every (run, rank), kept in memory and stored together every few seconds: a run that stops beating
// without having been closed is shown as crashed.

import type { Store } from "../storage/store.ts";
import type { KnownRun } from "./known-run.ts";

export interface Heartbeats {
  beat(run: KnownRun, rank: number, step: number | undefined): void;
  /** Stores what came since the last time. */
  flush(): Promise<void>;
}

export function createHeartbeats(store: Store, nowMs: () => number): Heartbeats {
  let pending = new Map<string, Record<string, unknown>>();
  return {
    beat(run, rank, step) {
      const id = `${run.key}:${rank}`;
      const before = pending.get(id)?.["step"] as number | null | undefined;
      pending.set(id, { run: run.key.toString(), rank, time_ms: nowMs(), step: step ?? before ?? null });
    },
    async flush() {
      if (pending.size === 0) return;
      const rows = [...pending.values()];
      pending = new Map();
      await store.insertRows("heartbeats", rows);
    },
  };
}
