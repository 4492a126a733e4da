// What routes need from the server: parts that are made elsewhere and only used here.

import type { Context } from "hono";
import type { Access } from "../auth/access.ts";
import type { RuleStatus } from "../detect/transition.ts";
import type { ControlRequests } from "../ingest/control-requests.ts";
import type { DiskState } from "../life/disk-watch.ts";
import type { Hub } from "../live/hub.ts";
import type { ServerMetrics } from "../observe/metrics.ts";
import type { Backups } from "../storage/backups.ts";
import { runKey } from "../storage/keys.ts";
import { runByKey } from "../storage/queries/runs.ts";
import type { Store } from "../storage/store.ts";
import { principalOf } from "./access-guard.ts";
import { ProblemError } from "./problem.ts";
import type { RunRef, RunState } from "./schema.ts";
import type { ReadContext, StoredRun } from "./run-reader.ts";

export interface ApiDeps {
  readonly store: Store;
  readonly access: Access;
  /** Believe a proxy about where a request comes from. */
  readonly behindProxy: boolean;
  /** Where training processes send to. */
  readonly grpcPort: () => number;
  readonly hub: Pick<Hub, "subscribe" | "subscribers">;
  readonly nowMs: () => number;
  readonly metrics: ServerMetrics;
  /** Where people reach the page. */
  readonly publicUrl: () => string;
  /** Host names to answer to; see host-guard. */
  readonly allowedHosts: () => readonly string[];
  /** False while starting and stopping. */
  readonly ready: () => boolean;
  /** How full the disk is. */
  readonly disk: () => DiskState;
  /** What each rule thinks of a run; undefined: no such run. */
  readonly ruleStatus: (project: string, run: string) => Promise<readonly RuleStatus[] | undefined>;
  /** Asks the processes that are connected to this server. */
  readonly control: Pick<ControlRequests, "record" | "stop">;
  readonly backups: Backups;
  /** A user changed, deleted or brought back a run: resolves when lists and ingest know. */
  readonly runChanged: (ref: RunRef, state?: RunState) => Promise<void>;
  /** Told of errors that are the server's own fault. */
  readonly failed?: (what: string, error: unknown) => void;
  /** Folder of the built page; default: where the web room builds to. */
  readonly pageFolder?: string;
  /** A run that was silent for longer and did not end has crashed. Default 60 s: six heartbeats. */
  readonly silenceMs?: number;
  /** Comments on an idle event stream, so that proxies keep it open. Default 15 s. */
  readonly eventHeartbeatMs?: number;
}

export const silenceMsDefault = 60_000;

export const readContext = (c: Context, { store, nowMs, silenceMs = silenceMsDefault }: ApiDeps): ReadContext => ({
  store,
  nowMs: nowMs(),
  silenceMs,
  tenant: principalOf(c).projects,
  signal: c.req.raw.signal,
});

/** @throws ProblemError when there is no such run, or it was deleted. */
export async function requireRun(project: string, id: string, { store, tenant, signal }: ReadContext): Promise<StoredRun> {
  const [run] = await store.read(runByKey, { project, run: runKey(project, id), tenant }, { signal });
  if (run === undefined) {
    throw new ProblemError(
      "not-found",
      `project ${JSON.stringify(project)} has no run ${JSON.stringify(id)}, or it was deleted. GET /api/v1/runs lists the runs.`,
    );
  }
  return run;
}
