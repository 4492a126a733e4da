// What ingest must know of a run before it can take its data.

import { z } from "zod";
import { defineQuery, Integer, UInt64 } from "../query.ts";

export const runIdentity = defineQuery({
  name: "run-identity",
  sql: `SELECT created_ms, month FROM runs FINAL WHERE project = {project:String} AND run = {run:UInt64}`,
  parameters: z.object({ project: z.string(), run: UInt64 }),
  row: z.object({ created_ms: Integer, month: Integer }),
});

export const runTombstone = defineQuery({
  name: "run-tombstone",
  sql: `SELECT time_ms FROM tombstones FINAL WHERE run = {run:UInt64} AND deleted = 1`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ time_ms: Integer }),
});

/** Also one that was taken back. */
export const lastTombstone = defineQuery({
  name: "last-tombstone",
  sql: `SELECT time_ms, deleted FROM tombstones FINAL WHERE run = {run:UInt64}`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ time_ms: Integer, deleted: z.number() }),
});

/** Runs deleted or brought back since a moment, by any server. */
export const recentTombstones = defineQuery({
  name: "recent-tombstones",
  sql: `SELECT DISTINCT toString(run) AS run FROM tombstones WHERE time_ms >= {since_ms:Int64}`,
  parameters: z.object({ since_ms: z.int() }),
  row: z.object({ run: z.string().transform(BigInt) }),
});

/** Newest version and, for one rank, largest step: read without FINAL, overwritten rows change neither. */
export const runExtent = defineQuery({
  name: "run-extent",
  sql: `SELECT toString(max(ver)) AS ver_max, maxIf(step, rank = {rank:UInt32}) AS step_max, countIf(rank = {rank:UInt32}) AS points
    FROM scalars WHERE run = {run:UInt64}`,
  parameters: z.object({ run: UInt64, rank: z.int() }),
  row: z.object({ ver_max: z.string().transform(BigInt), step_max: Integer, points: Integer }),
});

export const tensorVersion = defineQuery({
  name: "tensor-version",
  sql: `SELECT toString(max(ver)) AS ver_max FROM tensors WHERE run = {run:UInt64}`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ ver_max: z.string().transform(BigInt) }),
});

export const rankSessions = defineQuery({
  name: "rank-sessions",
  sql: `SELECT producer, session, toString(ver_start) AS ver_start FROM sessions FINAL WHERE run = {run:UInt64} AND rank = {rank:UInt32}`,
  parameters: z.object({ run: UInt64, rank: z.int() }),
  row: z.object({ producer: z.string(), session: Integer, ver_start: z.string().transform(BigInt) }),
});

export const metricNames = defineQuery({
  name: "metric-names",
  sql: `SELECT toString(metric) AS metric, name FROM metrics FINAL WHERE run = {run:UInt64}`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ metric: z.string().transform(BigInt), name: z.string() }),
});

export const tensorNames = defineQuery({
  name: "tensor-names",
  sql: `SELECT toString(tensor) AS tensor FROM tensor_infos FINAL WHERE run = {run:UInt64}`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ tensor: z.string().transform(BigInt) }),
});
