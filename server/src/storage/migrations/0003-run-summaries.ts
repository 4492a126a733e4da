// One row a run, made from everything else that is known of it, so that thousands of runs can be filtered and sorted in
// one scan. Derived: it may be dropped and is made again. And tombstones that can be taken back.

import type { Migration } from "./migration.ts";

export const runSummaries: Migration = {
  number: 3,
  name: "run-summaries",
  statements: [
    // Values by key are split by type. summary_* are parallel to metrics, the metrics that tell most first; absent
    // numbers are NaN. Not durable on purpose: what is lost is due again.
    `CREATE TABLE IF NOT EXISTS run_summaries (
      run UInt64,
      as_of_ms Int64,
      project String,
      id String,
      created_ms Int64,
      name String,
      run_group String,
      job_type String,
      tags Array(String),
      notes String,
      owner String,
      host String,
      error String,
      ended_state LowCardinality(String),
      ended_ms Int64,
      last_sign_ms Int64,
      ranks UInt32,
      step_max Nullable(Int64),
      archived UInt8,
      pinned UInt8,
      config String CODEC(ZSTD(3)),
      set_summary String CODEC(ZSTD(3)),
      config_numbers Map(String, Float64),
      config_texts Map(String, String),
      config_flags Map(String, UInt8),
      fact_numbers Map(String, Float64),
      fact_texts Map(String, String),
      fact_flags Map(String, UInt8),
      alerts Array(String),
      firing UInt32,
      verdicts Array(String),
      metrics Array(UInt64),
      metric_names Array(LowCardinality(String)),
      summary_last Array(Float64),
      summary_first Array(Float64),
      summary_min Array(Float64),
      summary_max Array(Float64),
      summary_argmin Array(Float64),
      summary_argmax Array(Float64),
      summary_count Array(Float64),
      summary_nonfinite Array(Float64)
    ) ENGINE = ReplacingMergeTree(as_of_ms) ORDER BY run`,

    `ALTER TABLE tombstones ADD COLUMN IF NOT EXISTS deleted UInt8 DEFAULT 1`,
  ],
};
