// The first schema. Every table replaces by version: a row that is sent twice has the same key and version and
// vanishes, a newer one wins in any order of arrival. Data is partitioned by the month in which its run was created,
// never by a client's clock: one insert touches one partition and is atomic.

import { durable, type Migration } from "./migration.ts";

export const foundation: Migration = {
  number: 1,
  name: "foundation",
  statements: [
    // Identity of runs. The earliest opening wins, whichever server saw it: version = 2^63 - created.
    `CREATE TABLE IF NOT EXISTS runs (
      project String,
      run UInt64,
      id String,
      created_ms Int64,
      month UInt32,
      version UInt64 MATERIALIZED toUInt64(9223372036854775807 - created_ms)
    ) ENGINE = ReplacingMergeTree(version) ORDER BY (project, run) ${durable}`,

    // Everything that happens once in a run, as it was said; folded when it is read.
    // kind: opened, closed, facts, metric-definition, checkpoint, user-alert, config, summary, drops, batch-id, class.
    `CREATE TABLE IF NOT EXISTS run_events (
      run UInt64,
      kind LowCardinality(String),
      producer FixedString(32),
      sequence UInt64,
      position UInt32,
      rank UInt32,
      step Nullable(Int64),
      time_ms Int64,
      ver UInt64,
      body String CODEC(ZSTD(3))
    ) ENGINE = ReplacingMergeTree(ver) ORDER BY (run, kind, producer, sequence, position) ${durable}`,

    `CREATE TABLE IF NOT EXISTS heartbeats (
      run UInt64,
      rank UInt32,
      time_ms Int64,
      step Nullable(Int64)
    ) ENGINE = ReplacingMergeTree(time_ms) ORDER BY (run, rank)`,

    // A resumed rank starts a session: its rows of older versions at steps >= resume_step are abandoned.
    `CREATE TABLE IF NOT EXISTS sessions (
      run UInt64,
      rank UInt32,
      producer FixedString(32),
      session UInt32,
      ver_start UInt64,
      resume_step Nullable(Int64),
      opened_ms Int64
    ) ENGINE = ReplacingMergeTree(ver_start) ORDER BY (run, rank, producer) ${durable}`,

    `CREATE TABLE IF NOT EXISTS metrics (
      run UInt64,
      metric UInt64,
      name String,
      first_seen_ms Int64
    ) ENGINE = ReplacingMergeTree ORDER BY (run, metric) ${durable}`,

    `CREATE TABLE IF NOT EXISTS tensor_infos (
      run UInt64,
      tensor UInt64,
      name String,
      kind LowCardinality(String),
      phase LowCardinality(String),
      layer String,
      topological_index UInt32,
      role LowCardinality(String),
      placement LowCardinality(String),
      dtype LowCardinality(String),
      shape Array(UInt32),
      activation LowCardinality(String),
      ver UInt64
    ) ENGINE = ReplacingMergeTree(ver) ORDER BY (run, tensor) ${durable}`,

    `CREATE TABLE IF NOT EXISTS scalars (
      month UInt32 CODEC(ZSTD(1)),
      run UInt64 CODEC(ZSTD(1)),
      metric UInt64 CODEC(ZSTD(1)),
      rank UInt32 CODEC(ZSTD(1)),
      step Int64 CODEC(Delta, ZSTD(1)),
      time_ms Int64 CODEC(Delta, ZSTD(1)),
      value Float64 CODEC(ZSTD(1)),
      ver UInt64 CODEC(ZSTD(1))
    ) ENGINE = ReplacingMergeTree(ver) PARTITION BY month ORDER BY (run, metric, rank, step) ${durable}`,

    // Absent optional numbers are NaN. Not a column "nan": SQL reads that as the number.
    // Histograms: see proto ExponentialHistogram; no histogram = has_histogram 0.
    `CREATE TABLE IF NOT EXISTS tensors (
      month UInt32 CODEC(ZSTD(1)),
      run UInt64 CODEC(ZSTD(1)),
      tensor UInt64 CODEC(ZSTD(1)),
      rank UInt32 CODEC(ZSTD(1)),
      step Int64 CODEC(Delta, ZSTD(1)),
      time_ms Int64 CODEC(Delta, ZSTD(1)),
      ver UInt64 CODEC(ZSTD(1)),
      samples UInt64 CODEC(ZSTD(1)),
      elements UInt64 CODEC(ZSTD(1)),
      nan_count UInt64 CODEC(ZSTD(1)),
      positive_infinity UInt64 CODEC(ZSTD(1)),
      negative_infinity UInt64 CODEC(ZSTD(1)),
      zero UInt64 CODEC(ZSTD(1)),
      negative UInt64 CODEC(ZSTD(1)),
      positive UInt64 CODEC(ZSTD(1)),
      minimum Float64 CODEC(ZSTD(1)),
      maximum Float64 CODEC(ZSTD(1)),
      total Float64 CODEC(ZSTD(1)),
      total_squares Float64 CODEC(ZSTD(1)),
      total_absolute Float64 CODEC(ZSTD(1)),
      units UInt64 CODEC(ZSTD(1)),
      units_active_below_2_permille UInt64 CODEC(ZSTD(1)),
      units_active_below_1_percent UInt64 CODEC(ZSTD(1)),
      units_zero_spread UInt64 CODEC(ZSTD(1)),
      derivative_below_5_percent Float64 CODEC(ZSTD(1)),
      update_surprise_rms Float64 CODEC(ZSTD(1)),
      hash UInt64 CODEC(ZSTD(1)),
      has_histogram UInt8 CODEC(ZSTD(1)),
      scale Int8 CODEC(ZSTD(1)),
      zero_threshold Float64 CODEC(ZSTD(1)),
      zero_count UInt64 CODEC(ZSTD(1)),
      positive_offset Int32 CODEC(ZSTD(1)),
      positive_counts Array(UInt64) CODEC(ZSTD(1)),
      negative_offset Int32 CODEC(ZSTD(1)),
      negative_counts Array(UInt64) CODEC(ZSTD(1)),
      unit_means Array(Float32) CODEC(ZSTD(1)),
      unit_stds Array(Float32) CODEC(ZSTD(1))
    ) ENGINE = ReplacingMergeTree(ver) PARTITION BY month ORDER BY (run, tensor, rank, step) ${durable}`,

    `CREATE TABLE IF NOT EXISTS console_lines (
      run UInt64,
      producer FixedString(32),
      sequence UInt64,
      position UInt32,
      rank UInt32,
      time_ms Int64 CODEC(Delta, ZSTD(1)),
      stream LowCardinality(String),
      line String CODEC(ZSTD(3)),
      ver UInt64
    ) ENGINE = ReplacingMergeTree(ver) ORDER BY (run, producer, sequence, position) ${durable}`,

    `CREATE TABLE IF NOT EXISTS images (
      run UInt64,
      name String,
      rank UInt32,
      step Int64,
      producer FixedString(32),
      sequence UInt64,
      position UInt32,
      time_ms Int64,
      media_type LowCardinality(String),
      width UInt32,
      height UInt32,
      caption String,
      data_base64 String CODEC(ZSTD(1)),
      ver UInt64
    ) ENGINE = ReplacingMergeTree(ver) ORDER BY (run, name, rank, step, producer, sequence, position) ${durable}`,

    // Appended, never changed: the newest event of an incident is its present state.
    `CREATE TABLE IF NOT EXISTS incident_events (
      project String,
      run UInt64,
      run_id String,
      incident String,
      transition UInt64,
      state LowCardinality(String),
      rule LowCardinality(String),
      level LowCardinality(String),
      time_ms Int64,
      body String CODEC(ZSTD(3))
    ) ENGINE = ReplacingMergeTree(time_ms) ORDER BY (run, incident, transition) ${durable}`,

    `CREATE TABLE IF NOT EXISTS detector_snapshots (
      run UInt64,
      rank UInt32,
      time_ms Int64,
      state String CODEC(ZSTD(3))
    ) ENGINE = ReplacingMergeTree(time_ms) ORDER BY (run, rank)`,

    // A deleted run stays deleted: checked when it is opened, written and read.
    `CREATE TABLE IF NOT EXISTS tombstones (
      run UInt64,
      time_ms Int64
    ) ENGINE = ReplacingMergeTree(time_ms) ORDER BY run ${durable}`,
  ],
};
