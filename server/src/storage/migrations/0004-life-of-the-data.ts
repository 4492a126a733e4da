// The end of data: what was taken off the disk for good, how long a project keeps what, when a row was received, and what is
// known of the points that are gone.

import { durable, type Migration } from "./migration.ts";

/** A server is upgraded once: what it has by then counts as received on that day. Later rows get the day of their insert. */
const received = (table: string): string[] => [
  `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS received_day Date DEFAULT toDate(now(), 'UTC') CODEC(ZSTD(1))`,
  `ALTER TABLE ${table} MATERIALIZE COLUMN received_day SETTINGS mutations_sync = 0`,
];

export const lifeOfTheData: Migration = {
  number: 4,
  name: "life-of-the-data",
  statements: [
    // One row a run, table, reason and day. Several servers may count the same rows, and one that was killed counts them again:
    // the largest count of a day stays. reason: deleted, expired. bytes is an estimate.
    `CREATE TABLE IF NOT EXISTS removals (
      project String,
      run UInt64,
      table_name LowCardinality(String),
      reason LowCardinality(String),
      day Date,
      time_ms Int64,
      rows UInt64,
      bytes UInt64
    ) ENGINE = ReplacingMergeTree(rows) ORDER BY (project, run, table_name, reason, day) ${durable}`,

    // Appended, never changed: of each kind the last word counts. days: 0 for ever. actor: the key that said it.
    `CREATE TABLE IF NOT EXISTS retention_events (
      project String,
      kind LowCardinality(String),
      time_ms Int64,
      id String,
      days UInt32,
      actor String
    ) ENGINE = ReplacingMergeTree ORDER BY (project, kind, time_ms, id) ${durable}`,

    // Aggregates of points that expired, as in run_summaries; that table may be dropped, this one not. Of points received before
    // that day: they count no more themselves, though some of them may be there yet.
    `CREATE TABLE IF NOT EXISTS sealed_metrics (
      run UInt64,
      sealed_ms Int64,
      received_before Date,
      step_max Nullable(Int64),
      names Array(String),
      last Array(Float64),
      first Array(Float64),
      min Array(Float64),
      max Array(Float64),
      argmin Array(Float64),
      argmax Array(Float64),
      count Array(Float64),
      nonfinite Array(Float64)
    ) ENGINE = ReplacingMergeTree(sealed_ms) ORDER BY run ${durable}`,

    ...["scalars", "tensors", "images", "console_lines"].flatMap(received),
  ],
};
