// What an ingesting server keeps of a run in memory: its keys and the names already stored. A cache over the store:
// any server can make it again.

import { metricNames, runIdentity, runTombstone, tensorNames } from "../storage/queries/run-identity.ts";
import { runKey } from "../storage/keys.ts";
import type { Store } from "../storage/store.ts";

export interface KnownRun {
  readonly key: bigint;
  readonly project: string;
  readonly id: string;
  /** Partition of its data: year × 100 + month of its creation. */
  readonly month: number;
  readonly createdMs: number;
  /** Names already stored. */
  readonly metrics: Map<bigint, string>;
  readonly tensors: Set<bigint>;
}

export type Lookup = KnownRun | "unknown" | "deleted";

export interface KnownRuns {
  find(project: string, id: string): Promise<Lookup>;
  /** Stores the identity of a new run; the earliest of several openings wins. */
  create(project: string, id: string, nowMs: number): Promise<KnownRun>;
  /** What is known of it may be wrong by now: it is read again when it is needed. */
  forget(run: bigint): void;
}

/** Runs kept in memory; the one used longest ago goes first. */
const runsMax = 10_000;

export function createKnownRuns(store: Store): KnownRuns {
  const cache = new Map<bigint, Promise<Lookup>>();

  async function load(project: string, id: string): Promise<Lookup> {
    const run = runKey(project, id);
    const [tombstone] = await store.read(runTombstone, { run });
    if (tombstone !== undefined) return "deleted";
    const [identity] = await store.read(runIdentity, { project, run });
    if (identity === undefined) return "unknown";
    const [metrics, tensors] = await Promise.all([store.read(metricNames, { run }), store.read(tensorNames, { run })]);
    return {
      key: run,
      project,
      id,
      month: identity.month,
      createdMs: identity.created_ms,
      metrics: new Map(metrics.map((row) => [row.metric, row.name])),
      tensors: new Set(tensors.map((row) => row.tensor)),
    };
  }

  async function find(project: string, id: string): Promise<Lookup> {
    const key = runKey(project, id);
    const loading = cache.get(key) ?? load(project, id);
    cache.delete(key);
    cache.set(key, loading);
    if (cache.size > runsMax) cache.delete(cache.keys().next().value as bigint);
    try {
      const found = await loading;
      if (typeof found === "string") cache.delete(key);
      return found;
    } catch (error) {
      cache.delete(key);
      throw error;
    }
  }

  return {
    find,
    forget: (run) => void cache.delete(run),
    async create(project, id, nowMs) {
      const run = runKey(project, id);
      await store.insertRows("runs", [{ project, run: run.toString(), id, created_ms: nowMs, month: monthOf(nowMs) }]);
      const found = await find(project, id);
      if (typeof found === "string") throw new Error(`run ${project}/${id} is ${found} right after it was created`);
      return found;
    },
  };
}

/** Year × 100 + month, in UTC. */
export function monthOf(ms: number): number {
  const date = new Date(ms);
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
}
