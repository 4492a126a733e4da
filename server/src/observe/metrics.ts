// What the server counts about itself, in Prometheus' format. Labels are closed sets (reasons, routes), never names that
// users chose: those are unbounded.

import { RejectReason } from "@gradwatch/proto";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { DataKind } from "../storage/run-tables.ts";

export interface ServerMetrics {
  readonly contentType: string;
  text(): Promise<string>;
  committed(batches: number, points: number, seconds: number): void;
  rejected(reason: RejectReason): void;
  /** The store was away and the commit is tried again. */
  commitRetried(): void;
  /** Points that clients said they could not deliver. */
  clientDropped(reason: string, points: number): void;
  incident(rule: string, state: string): void;
  /** A request without a valid key, or beyond what its key may do. */
  accessRefused(via: "http" | "grpc", reason: string): void;
  request(route: string, status: number, seconds: number): void;
  /** Rows that are taken off the disk; bytes are an estimate. */
  removed(kind: DataKind, rows: number, bytes: number): void;
  /** Read when scraped. */
  watchGauge(name: string, help: string, read: () => number): void;
}

/** An insert costs 7 to 20 ms whatever its size; more than a second is trouble. */
const commitBuckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** Reasons come from clients: those that no released one sends share a label. */
const dropReasons = new Set([
  "overwritten in the same batch",
  "wrong value",
  "wrong name",
  "wrong step",
  "wrong call",
  "too many names",
  "spool full",
  "memory full",
  "too old",
  "console too fast",
  "run refused",
  "after finish",
]);

const reasonNames: ReadonlyMap<number, string> = new Map(
  Object.entries(RejectReason).map(([name, number]) => [number, name.toLowerCase().replaceAll("_", "-")]),
);

export function createServerMetrics(): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "gradwatch_" });
  const batches = new Counter({ name: "gradwatch_batches_total", help: "Batches made durable", registers });
  const points = new Counter({ name: "gradwatch_points_total", help: "Scalar points made durable", registers });
  const commits = new Histogram({
    name: "gradwatch_commit_seconds",
    help: "Duration of a group commit",
    buckets: commitBuckets,
    registers,
  });
  const retries = new Counter({ name: "gradwatch_commit_retries_total", help: "Commits tried again", registers });
  const rejections = new Counter({
    name: "gradwatch_rejected_batches_total",
    help: "Batches refused for ever",
    labelNames: ["reason"],
    registers,
  });
  const drops = new Counter({
    name: "gradwatch_client_dropped_points_total",
    help: "Points that clients report as lost",
    labelNames: ["reason"],
    registers,
  });
  const incidents = new Counter({
    name: "gradwatch_incidents_total",
    help: "Incident transitions",
    labelNames: ["rule", "state"],
    registers,
  });
  const refusals = new Counter({
    name: "gradwatch_access_refused_total",
    help: "Requests without a valid key, or beyond what their key may do",
    labelNames: ["via", "reason"],
    registers,
  });
  const removedRows = new Counter({
    name: "gradwatch_removed_rows_total",
    help: "Rows taken off the disk by this server",
    labelNames: ["kind"],
    registers,
  });
  const removedBytes = new Counter({
    name: "gradwatch_removed_bytes_total",
    help: "Bytes of them on the disk, estimated",
    labelNames: ["kind"],
    registers,
  });
  const requests = new Histogram({
    name: "gradwatch_http_seconds",
    help: "Duration of an API request",
    labelNames: ["route", "status"],
    buckets: requestBuckets,
    registers,
  });

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    committed(batchCount, pointCount, seconds) {
      batches.inc(batchCount);
      points.inc(pointCount);
      commits.observe(seconds);
    },
    rejected: (reason) => rejections.inc({ reason: reasonNames.get(reason) ?? "unspecified" }),
    commitRetried: () => retries.inc(),
    clientDropped(told, count) {
      // "spool full: images"
      const reason = told.split(":", 1)[0] as string;
      drops.inc({ reason: dropReasons.has(reason) ? reason : "other" }, count);
    },
    incident: (rule, state) => incidents.inc({ rule, state }),
    accessRefused: (via, reason) => refusals.inc({ via, reason }),
    request: (route, status, seconds) => requests.observe({ route, status: String(status) }, seconds),
    removed(kind, rows, bytes) {
      removedRows.inc({ kind }, rows);
      removedBytes.inc({ kind }, bytes);
    },
    watchGauge(name, help, read) {
      const gauge: Gauge = new Gauge({ name, help, registers, collect: (): void => gauge.set(read()) });
    },
  };
}
