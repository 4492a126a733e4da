// What was taken off the disk, for good.

import { durable, type Migration } from "./migration.ts";

export const removals: Migration = {
  number: 4,
  name: "removals",
  statements: [
    // One row a run, table and day. Several servers may count the same rows, and one that was killed counts them again: the
    // largest count of a day stays. bytes is an estimate.
    `CREATE TABLE IF NOT EXISTS removals (
      project String,
      run UInt64,
      table_name LowCardinality(String),
      day Date,
      time_ms Int64,
      rows UInt64,
      bytes UInt64
    ) ENGINE = ReplacingMergeTree(rows) ORDER BY (project, run, table_name, day) ${durable}`,
  ],
};
