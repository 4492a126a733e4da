// Tensor summaries put into the store as ingest would, by the same column builders, for tests of what is read of them.

import { create } from "@bufbuild/protobuf";
import { type TensorSummary, TensorSummarySchema } from "@gradwatch/proto";
import { tensorKey } from "../../src/storage/keys.ts";
import type { Store } from "../../src/storage/store.ts";
import { tensorColumns, type TensorRow } from "../../src/storage/tensor-rows.ts";
import { keyOf, type RunRows, startMs } from "./api-under-test.ts";

export interface TensorName {
  readonly name: string;
  readonly kind?: string;
  readonly phase?: string;
  readonly index?: number;
  readonly placement?: "replicated" | "sharded";
}

export async function insertInfos(store: Store, run: RunRows, infos: readonly TensorName[]): Promise<void> {
  await store.insertRows(
    "tensor_infos",
    infos.map(({ name, kind = "gradient", phase = "train", index = 0, placement = "replicated" }) => ({
      run: keyOf(run).toString(),
      tensor: tensorKey(kind, phase, name).toString(),
      name,
      kind,
      phase,
      layer: name.split("/")[0],
      topological_index: index,
      role: "kernel",
      placement,
      dtype: "float32",
      shape: [2, 3],
      activation: "relu",
      ver: "1",
    })),
  );
}

export interface Given {
  readonly name: string;
  readonly step: number;
  readonly values: readonly number[];
  readonly kind?: string;
  readonly phase?: string;
  readonly rank?: number;
  readonly ver?: bigint;
  readonly scale?: number;
  /** In place of what the values say. */
  readonly fields?: Partial<TensorSummary>;
}

export async function insertSummaries(store: Store, run: RunRows, given: readonly Given[]): Promise<void> {
  const rows: TensorRow[] = given.map(
    ({ name, step, values, kind = "gradient", rank = 0, ver = 1n, scale = 4, phase = "train", fields }) => {
      const positive = buckets(
        values.filter((value) => Number.isFinite(value) && value > 0),
        scale,
      );
      const negative = buckets(values.filter((value) => Number.isFinite(value) && value < 0).map(Math.abs), scale);
      return {
        run: keyOf(run),
        rank,
        ver,
        tensor: tensorKey(kind, phase, name),
        step: BigInt(step),
        timeMs: BigInt(startMs + step),
        summary: { ...summaryOf(values, scale, positive.offset, negative.offset), ...fields },
        positiveCounts: positive.counts,
        negativeCounts: negative.counts,
      };
    },
  );
  await store.insertColumns("tensors", rows.length, tensorColumns(202510, rows));
}

function buckets(values: readonly number[], scale: number): { offset: number; counts: number[] } {
  if (values.length === 0) return { offset: 0, counts: [] };
  const indices = values.map((value) => Math.ceil(Math.log2(value) * 2 ** scale) - 1);
  const offset = Math.min(...indices);
  const counts = new Array<number>(Math.max(...indices) - offset + 1).fill(0);
  for (const index of indices) counts[index - offset] = (counts[index - offset] as number) + 1;
  return { offset, counts };
}

function summaryOf(values: readonly number[], scale: number, positiveOffset: number, negativeOffset: number): TensorSummary {
  const finite = values.filter((value) => Number.isFinite(value));
  const count = (test: (value: number) => boolean): bigint => BigInt(values.filter(test).length);
  return create(TensorSummarySchema, {
    count: BigInt(values.length),
    nan: count(Number.isNaN),
    positiveInfinity: count((value) => value === Infinity),
    negativeInfinity: count((value) => value === -Infinity),
    zero: count((value) => value === 0),
    negative: count((value) => value < 0 && value !== -Infinity),
    positive: count((value) => value > 0 && value !== Infinity),
    ...(finite.length === 0 ? {} : { min: Math.min(...finite), max: Math.max(...finite) }),
    sum: finite.reduce((sum, value) => sum + value, 0),
    sumSquares: finite.reduce((sum, value) => sum + value * value, 0),
    sumAbsolute: finite.reduce((sum, value) => sum + Math.abs(value), 0),
    units: 10n,
    unitsActiveBelow2Permille: 4n,
    histogram: {
      scale,
      zeroThreshold: 0,
      zeroCount: count((value) => value === 0),
      positive: { offset: positiveOffset },
      negative: { offset: negativeOffset },
    },
  });
}
