// Scalars on their way into the table: what a batch holds becomes columns by fills and copies, never point by point.

import { fixedColumn, type NativeColumn, writeInt64 } from "./native.ts";

/** n records of k metrics of one rank of one run. */
export interface ScalarChunk {
  readonly run: bigint;
  readonly rank: number;
  readonly ver: bigint;
  /** k keys. */
  readonly metrics: readonly bigint[];
  /** n values each; times in Unix milliseconds. */
  readonly steps: Float64Array;
  readonly times: Float64Array;
  /** k × n, metric by metric. */
  readonly values: Float64Array;
}

export const scalarRows = (chunk: ScalarChunk): number => chunk.values.length;

export function scalarColumns(month: number, chunks: readonly ScalarChunk[]): NativeColumn[] {
  const rows = chunks.reduce((sum, chunk) => sum + scalarRows(chunk), 0);
  const run = new BigUint64Array(rows);
  const metric = new BigUint64Array(rows);
  const rank = new Uint32Array(rows);
  const step = new BigInt64Array(rows);
  const time = new BigInt64Array(rows);
  const value = new Float64Array(rows);
  const ver = new BigUint64Array(rows);
  let row = 0;
  for (const chunk of chunks) {
    const records = chunk.steps.length;
    const end = row + chunk.values.length;
    run.fill(chunk.run, row, end);
    rank.fill(chunk.rank, row, end);
    ver.fill(chunk.ver, row, end);
    value.set(chunk.values, row);
    writeInt64(step, row, chunk.steps);
    writeInt64(time, row, chunk.times);
    chunk.metrics.forEach((key, m) => {
      const start = row + m * records;
      metric.fill(key, start, start + records);
      if (m > 0) {
        step.copyWithin(start, row, row + records);
        time.copyWithin(start, row, row + records);
      }
    });
    row = end;
  }
  return [
    fixedColumn("month", "UInt32", new Uint32Array(rows).fill(month)),
    fixedColumn("run", "UInt64", run),
    fixedColumn("metric", "UInt64", metric),
    fixedColumn("rank", "UInt32", rank),
    fixedColumn("step", "Int64", step),
    fixedColumn("time_ms", "Int64", time),
    fixedColumn("value", "Float64", value),
    fixedColumn("ver", "UInt64", ver),
  ];
}
