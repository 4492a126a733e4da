// Keeps run_summaries up to date: every two seconds it makes the rows again that are due, the oldest first. What is due is told
// by the tables alone, so any number of servers may do it, and one that was killed misses nothing. A live run's row is
// about 5 s old; one that is costly to make is made less often, so that summaries take at most about a twentieth of the
// engine's time.

import type { Store } from "../storage/store.ts";
import { StoreError } from "../storage/store.ts";
import { dueRuns } from "../storage/queries/run-summaries.ts";
import { summaryRows } from "./summary-rows.ts";

export interface SummarizerOptions {
  readonly store: Store;
  readonly nowMs: () => number;
  readonly silenceMs: number;
  readonly failed: (what: string, error: unknown) => void;
}

export interface Summarizer {
  /** Makes these rows now. Resolves when reads see them. */
  refresh(runs: readonly bigint[]): Promise<void>;
  /**
   * Makes this row, together with those that are wanted by the time it is its turn: of 256 ranks that open a run at once, one or two make its
   * row. Resolves when reads see it, or it has failed, which is told.
   */
  soon(run: bigint): Promise<void>;
  /** Makes what is due; resolves with how many rows that were. */
  sweep(): Promise<number>;
  /** Sweeps from now on. */
  start(): void;
  /** Lets what is running end; what takes too long is given up, and due at the next start. */
  stop(): Promise<void>;
}

const sweepIntervalMs = 2_000;
/** A live run's row is left alone for this long. */
const refreshIntervalMs = 5_000;
/** Heartbeats are stored up to 3 s after what they are signs of, incidents right after a commit. */
const settleMs = 15_000;
const runsPerSweepMax = 200;
const runsPerReadMax = 50;
/** A row may not be due again for this many times of what it took. */
const restFactor = 20;
const retryAfterMs = 60_000;
const stopPatienceMs = 5_000;

export function createSummarizer({ store, nowMs, silenceMs, failed }: SummarizerOptions): Summarizer {
  const restUntilMs = new Map<bigint, number>();
  const givenUp = new AbortController();
  const gathered = new Set<bigint>();
  let making: Promise<void> = Promise.resolve();
  let isStopping = false;
  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<unknown> = Promise.resolve();

  async function refresh(runs: readonly bigint[]): Promise<void> {
    for (let from = 0; from < runs.length; from += runsPerReadMax) {
      const some = runs.slice(from, from + runsPerReadMax);
      const context = { store, nowMs: nowMs(), silenceMs, signal: givenUp.signal };
      await store.insertRows("run_summaries", await summaryRows(some, context));
    }
  }

  /** Several at once; when they are too much, one by one, and the one that is too much by itself rests. */
  async function refreshPatiently(runs: readonly bigint[]): Promise<void> {
    const start = performance.now();
    try {
      await refresh(runs);
      const tookMs = (performance.now() - start) / runs.length;
      for (const run of runs) restUntilMs.set(run, nowMs() + tookMs * restFactor);
    } catch (error) {
      if (givenUp.signal.aborted) return;
      if (!(error instanceof StoreError) || error.code === "unavailable") throw error;
      if (runs.length > 1) {
        for (const run of runs) await refreshPatiently([run]);
        return;
      }
      failed(`summary of run ${runs[0]}`, error);
      restUntilMs.set(runs[0] as bigint, nowMs() + retryAfterMs);
    }
  }

  async function sweep(): Promise<number> {
    const now = nowMs();
    for (const [run, until] of restUntilMs) if (until <= now) restUntilMs.delete(run);
    const due = await store.read(dueRuns, {
      now_ms: now,
      settle_ms: settleMs,
      interval_ms: refreshIntervalMs,
      limit: runsPerSweepMax + restUntilMs.size,
    });
    const runs = due.map(({ run }) => run).filter((run) => !restUntilMs.has(run));
    for (let from = 0; from < runs.length && !isStopping; from += runsPerReadMax) {
      await refreshPatiently(runs.slice(from, from + runsPerReadMax));
    }
    return runs.length;
  }

  async function sweepOften(): Promise<void> {
    try {
      // A backlog, as after an upgrade, is worked off without rests.
      while ((await sweep()) >= runsPerSweepMax && !isStopping);
    } catch (error) {
      if (!givenUp.signal.aborted) failed("summaries of runs", error);
    }
    if (!isStopping) timer = setTimeout(() => (sweeping = sweepOften()), sweepIntervalMs);
  }

  async function refreshGathered(): Promise<void> {
    const runs = [...gathered];
    gathered.clear();
    if (runs.length === 0 || isStopping) return;
    await refresh(runs).catch((error: unknown) => {
      if (!givenUp.signal.aborted) failed("summaries of runs", error);
    });
  }

  return {
    refresh,
    soon(run) {
      gathered.add(run);
      return (making = making.then(refreshGathered));
    },
    sweep,
    start: () => void (sweeping = sweepOften()),
    async stop() {
      isStopping = true;
      clearTimeout(timer);
      const patience = setTimeout(() => givenUp.abort(), stopPatienceMs);
      await Promise.allSettled([sweeping, making]);
      clearTimeout(patience);
    },
  };
}
