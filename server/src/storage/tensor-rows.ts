// Tensor summaries on their way into the table.

import type { TensorSummary } from "@gradwatch/proto";
import { arrayColumn, fixedColumn, type FixedType, type NativeColumn } from "./native.ts";

export interface TensorRow {
  readonly run: bigint;
  readonly rank: number;
  readonly ver: bigint;
  readonly tensor: bigint;
  readonly step: bigint;
  readonly timeMs: bigint;
  readonly summary: TensorSummary;
  /** Decoded bucket counts; empty without a histogram. */
  readonly positiveCounts: readonly number[];
  readonly negativeCounts: readonly number[];
}

/** Absent optional numbers. */
const absent = Number.NaN;

export function tensorColumns(month: number, rows: readonly TensorRow[]): NativeColumn[] {
  const u64 = (name: string, of: (row: TensorRow) => bigint): NativeColumn => {
    // A loop: `from` goes through the iterator, several times as slow.
    const values = new BigUint64Array(rows.length);
    for (let i = 0; i < rows.length; i++) values[i] = of(rows[i] as TensorRow);
    return fixedColumn(name, "UInt64", values);
  };
  const i64 = (name: string, of: (row: TensorRow) => bigint): NativeColumn => fixedColumn(name, "Int64", BigInt64Array.from(rows, of));
  const f64 = (name: string, of: (row: TensorRow) => number | undefined): NativeColumn =>
    fixedColumn(
      name,
      "Float64",
      Float64Array.from(rows, (row) => of(row) ?? absent),
    );
  const i32 = (name: string, of: (row: TensorRow) => number): NativeColumn => fixedColumn(name, "Int32", Int32Array.from(rows, of));
  return [
    fixedColumn("month", "UInt32", new Uint32Array(rows.length).fill(month)),
    u64("run", (row) => row.run),
    u64("tensor", (row) => row.tensor),
    fixedColumn(
      "rank",
      "UInt32",
      Uint32Array.from(rows, (row) => row.rank),
    ),
    i64("step", (row) => row.step),
    i64("time_ms", (row) => row.timeMs),
    u64("ver", (row) => row.ver),
    u64("samples", (row) => row.summary.samples),
    u64("elements", (row) => row.summary.count),
    u64("nan_count", (row) => row.summary.nan),
    u64("positive_infinity", (row) => row.summary.positiveInfinity),
    u64("negative_infinity", (row) => row.summary.negativeInfinity),
    u64("zero", (row) => row.summary.zero),
    u64("negative", (row) => row.summary.negative),
    u64("positive", (row) => row.summary.positive),
    f64("minimum", (row) => row.summary.min),
    f64("maximum", (row) => row.summary.max),
    f64("total", (row) => row.summary.sum),
    f64("total_squares", (row) => row.summary.sumSquares),
    f64("total_absolute", (row) => row.summary.sumAbsolute),
    u64("units", (row) => row.summary.units),
    u64("units_active_below_2_permille", (row) => row.summary.unitsActiveBelow2Permille),
    u64("units_active_below_1_percent", (row) => row.summary.unitsActiveBelow1Percent),
    u64("units_zero_spread", (row) => row.summary.unitsZeroSpread),
    f64("derivative_below_5_percent", (row) => row.summary.derivativeBelow5Percent),
    f64("update_surprise_rms", (row) => row.summary.updateSurpriseRms),
    u64("hash", (row) => row.summary.hash),
    fixedColumn(
      "has_histogram",
      "UInt8",
      Uint8Array.from(rows, (row) => (row.summary.histogram ? 1 : 0)),
    ),
    fixedColumn(
      "scale",
      "Int8",
      Int8Array.from(rows, (row) => row.summary.histogram?.scale ?? 0),
    ),
    f64("zero_threshold", (row) => row.summary.histogram?.zeroThreshold ?? 0),
    u64("zero_count", (row) => row.summary.histogram?.zeroCount ?? 0n),
    i32("positive_offset", (row) => row.summary.histogram?.positive?.offset ?? 0),
    countsColumn(
      "positive_counts",
      rows.map((row) => row.positiveCounts),
    ),
    i32("negative_offset", (row) => row.summary.histogram?.negative?.offset ?? 0),
    countsColumn(
      "negative_counts",
      rows.map((row) => row.negativeCounts),
    ),
    bytesColumn(
      "unit_means",
      "Float32",
      4,
      rows.map((row) => row.summary.unitMeans),
    ),
    bytesColumn(
      "unit_stds",
      "Float32",
      4,
      rows.map((row) => row.summary.unitStds),
    ),
  ];
}

function countsColumn(name: string, rows: readonly (readonly number[])[]): NativeColumn {
  const ends = new BigUint64Array(rows.length);
  const values = new BigUint64Array(rows.reduce((sum, row) => sum + row.length, 0));
  // Two 32-bit halves: a BigInt a bucket would be most of what a summary costs.
  const halves = new Uint32Array(values.buffer);
  let end = 0;
  rows.forEach((row, i) => {
    for (const count of row) {
      halves[2 * end] = count;
      if (count > 0xffff_ffff) halves[2 * end + 1] = count / 0x1_0000_0000;
      end += 1;
    }
    ends[i] = BigInt(end);
  });
  return arrayColumn(name, "UInt64", ends, [values]);
}

/** Arrays that already are little-endian bytes. */
function bytesColumn(name: string, type: FixedType, width: number, rows: readonly Uint8Array[]): NativeColumn {
  const ends = new BigUint64Array(rows.length);
  let end = 0;
  rows.forEach((row, i) => (ends[i] = BigInt((end += row.length / width))));
  return arrayColumn(name, type, ends, rows);
}
