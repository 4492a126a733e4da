// Where the processes of a run meet: the first server that took one of them in, as long as it renews its lease. Two that took one in at the
// same moment both read what both wrote, and agree. Only who watches depends on it: every server takes every batch.

import { homeLeases } from "../storage/queries/run-homes.ts";
import type { Store } from "../storage/store.ts";

export interface RunHomesOptions {
  readonly store: Store;
  readonly nowMs: () => number;
  /** host:port of this server's gRPC as processes and other servers know it; undefined: it is alone, and home to all. */
  readonly address: string | undefined;
}

export interface RunHomes {
  /** host:port of another server; undefined: here. Asked, a server without a rival becomes the home. */
  homeOf(run: bigint): Promise<string | undefined>;
  /** To be called every few seconds, with the runs that have processes here. Others' leases end. */
  renew(runs: ReadonlySet<bigint>): Promise<void>;
  /** This server goes: others may take its runs at once. */
  release(): Promise<void>;
}

/** Longer than a restart takes, and than a server is busy without renewing. */
const leaseMs = 15_000;

export function createRunHomes({ store, nowMs, address }: RunHomesOptions): RunHomes {
  /** Beginning of the lease by run. */
  const held = new Map<bigint, number>();
  let isReleased = false;
  const write = (leases: Iterable<readonly [run: bigint, sinceMs: number]>, untilMs: number): Promise<void> => {
    const rows = [...leases].map(([run, since_ms]) => ({ run: run.toString(), address, since_ms, until_ms: untilMs, time_ms: nowMs() }));
    return store.insertRows("run_homes", rows);
  };
  const first = async (run: bigint): Promise<{ address: string; since_ms: number } | undefined> =>
    (await store.read(homeLeases, { run, now_ms: nowMs() }))[0];

  return {
    async homeOf(run) {
      if (address === undefined || held.has(run)) return undefined;
      let lease = await first(run);
      if (lease === undefined && !isReleased) {
        const now = nowMs();
        await write([[run, now]], now + leaseMs);
        lease = await first(run);
      }
      if (lease !== undefined && lease.address !== address) return lease.address;
      // One of before a restart goes on.
      if (!isReleased) held.set(run, lease?.since_ms ?? nowMs());
      return undefined;
    },
    async renew(runs) {
      for (const run of held.keys()) if (!runs.has(run)) held.delete(run);
      if (address !== undefined) await write(held, nowMs() + leaseMs);
    },
    async release() {
      isReleased = true;
      const leases = [...held];
      held.clear();
      if (address !== undefined) await write(leases, 0);
    },
  };
}
