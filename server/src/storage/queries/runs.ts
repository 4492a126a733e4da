// Runs and what is known of them beside their numbers: identities, sign of life, events to fold. Deleted runs are never
// there.

import { z } from "zod";
import { defineQuery, Integer, UInt64 } from "../query.ts";
import { deletedRuns } from "./deleted-runs.ts";
import { inTenant, tenantParameter } from "./keys.ts";

const BigInteger = z.string().transform(BigInt);

const identity = {
  project: z.string(),
  run: BigInteger,
  id: z.string(),
  created_ms: Integer,
};

export const runByKey = defineQuery({
  name: "run-by-key",
  sql: `SELECT project, toString(run) AS run, id, created_ms FROM runs FINAL
    WHERE project = {project:String} AND ${inTenant} AND runs.run = {run:UInt64} AND runs.run NOT IN ${deletedRuns}`,
  parameters: z.object({ project: z.string(), run: UInt64, ...tenantParameter }),
  row: z.object(identity),
});

/** Last sign of life by run. */
export const runHeartbeats = defineQuery({
  name: "run-heartbeats",
  sql: `SELECT toString(run) AS run, max(time_ms) AS last_ms FROM heartbeats WHERE run IN {runs:Array(UInt64)} GROUP BY run`,
  parameters: z.object({ runs: z.array(z.bigint()) }),
  row: z.object({ run: BigInteger, last_ms: Integer }),
});

/** Last sign of life and last step of each rank of a run. */
export const rankHeartbeats = defineQuery({
  name: "rank-heartbeats",
  sql: `SELECT rank, max(h.time_ms) AS time_ms, argMaxOrNull(h.step, h.time_ms) AS step
    FROM heartbeats AS h WHERE run = {run:UInt64} GROUP BY rank ORDER BY rank`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ rank: Integer, time_ms: Integer, step: Integer.nullable() }),
});

/** What is folded into a run, oldest first. Bounded by run, so that one run cannot make a page of others slow. */
export const runEvents = defineQuery({
  name: "run-events",
  sql: `SELECT toString(run) AS run, kind, producer, rank, time_ms, toString(ver) AS ver, body FROM (
      SELECT * FROM run_events FINAL WHERE run IN {runs:Array(UInt64)} AND kind IN {kinds:Array(String)}
      ORDER BY run, ver DESC, sequence DESC, position DESC LIMIT {per_run:UInt32} BY run, kind
    ) AS e ORDER BY e.ver, sequence, position`,
  parameters: z.object({ runs: z.array(z.bigint()), kinds: z.array(z.string()), per_run: z.int() }),
  row: z.object({
    run: BigInteger,
    kind: z.string(),
    producer: z.string(),
    rank: Integer,
    time_ms: Integer,
    ver: BigInteger,
    body: z.string(),
  }),
});

export const runSessions = defineQuery({
  name: "run-sessions",
  sql: `SELECT session, rank, opened_ms, resume_step FROM sessions FINAL WHERE run = {run:UInt64} ORDER BY opened_ms, rank, session`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ session: Integer, rank: Integer, opened_ms: Integer, resume_step: Integer.nullable() }),
});

/** Projects with runs, the ones with the latest sign of life first. */
export const projectList = defineQuery({
  name: "project-list",
  sql: `SELECT project, count() AS runs, max(greatest(created_ms, last_ms)) AS updated_ms
    FROM (SELECT project, run, created_ms FROM runs FINAL WHERE ${inTenant} AND run NOT IN ${deletedRuns}) AS r
    LEFT JOIN (SELECT run, max(time_ms) AS last_ms FROM heartbeats GROUP BY run) AS h USING run
    GROUP BY project ORDER BY updated_ms DESC, project`,
  parameters: z.object(tenantParameter),
  row: z.object({ project: z.string(), runs: Integer, updated_ms: Integer }),
});

/** Runs that showed life after a moment: the only ones that can be running. */
export const livelyRuns = defineQuery({
  name: "lively-runs",
  sql: `SELECT project, toString(run) AS run, id, created_ms FROM runs FINAL
    WHERE ${inTenant} AND runs.run IN (SELECT run FROM heartbeats WHERE time_ms > {after_ms:Int64}) AND runs.run NOT IN ${deletedRuns}`,
  parameters: z.object({ after_ms: z.int(), ...tenantParameter }),
  row: z.object(identity),
});
