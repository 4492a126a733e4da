// One group of batches into the tables: names first, then data, each table once per partition. Nothing here is undone
// when it fails half-way: all of it may be inserted again with the same result.

import type { TensorInfo } from "@gradwatch/proto";
import { scalarColumns, scalarRows } from "../storage/scalar-rows.ts";
import { tensorColumns } from "../storage/tensor-rows.ts";
import type { Store } from "../storage/store.ts";
import type { DecodedBatch, LooseRow } from "./decode-batch.ts";
import type { KnownRun } from "./known-run.ts";
import { phaseNames, placementNames, tensorKindNames, tensorRoleNames } from "./wire-names.ts";

export interface CommitItem {
  readonly run: KnownRun;
  readonly batch: DecodedBatch;
}

/** @param nowMs Unix ms, for rows that say when the server first saw a name. */
export async function insertGroup(store: Store, items: readonly CommitItem[], nowMs: number): Promise<void> {
  await insertNames(store, items, nowMs);
  await Promise.all([
    ...byMonth(items).map(async ([month, group]) => {
      const chunks = group.flatMap(({ run, batch }) => batch.scalars.map((chunk) => ({ ...chunk, run: run.key })));
      const rows = chunks.reduce((sum, chunk) => sum + scalarRows(chunk), 0);
      if (rows > 0) await store.insertColumns("scalars", rows, scalarColumns(month, chunks));
    }),
    ...byMonth(items).map(async ([month, group]) => {
      const rows = group.flatMap(({ run, batch }) => batch.tensors.map((row) => ({ ...row, run: run.key })));
      if (rows.length > 0) await store.insertColumns("tensors", rows.length, tensorColumns(month, rows));
    }),
    store.insertRows(
      "run_events",
      looseRows(items, (batch) => batch.events),
    ),
    store.insertRows(
      "console_lines",
      looseRows(items, (batch) => batch.console),
    ),
    store.insertRows(
      "images",
      looseRows(items, (batch) => batch.images),
    ),
  ]);
}

function byMonth(items: readonly CommitItem[]): [number, CommitItem[]][] {
  return [...Map.groupBy(items, ({ run }) => run.month)];
}

function looseRows(items: readonly CommitItem[], of: (batch: DecodedBatch) => readonly LooseRow[]): Record<string, unknown>[] {
  return items.flatMap(({ run, batch }) =>
    of(batch).map((row) => ({
      run: run.key.toString(),
      producer: batch.producer,
      sequence: batch.seq.toString(),
      rank: batch.body.rank,
      ver: batch.ver.toString(),
      ...row,
    })),
  );
}

/** Names must be durable before data refers to them, or a crash between the two would leave numbers without a name. */
async function insertNames(store: Store, items: readonly CommitItem[], nowMs: number): Promise<void> {
  const metrics: Record<string, unknown>[] = [];
  const tensors: Record<string, unknown>[] = [];
  const added: (() => void)[] = [];
  for (const { run, batch } of items) {
    for (const [metric, name] of batch.metricNames) {
      if (run.metrics.has(metric)) continue;
      metrics.push({ run: run.key.toString(), metric: metric.toString(), name, first_seen_ms: nowMs });
      added.push(() => run.metrics.set(metric, name));
    }
    batch.tensorKeys.forEach((tensor, i) => {
      if (run.tensors.has(tensor)) return;
      tensors.push(tensorInfoRow(run, batch, tensor, batch.body.tensors[i] as TensorInfo));
      added.push(() => run.tensors.add(tensor));
    });
  }
  await Promise.all([store.insertRows("metrics", metrics), store.insertRows("tensor_infos", tensors)]);
  for (const add of added) add();
}

const tensorInfoRow = (run: KnownRun, batch: DecodedBatch, tensor: bigint, info: TensorInfo): Record<string, unknown> => ({
  run: run.key.toString(),
  tensor: tensor.toString(),
  name: info.name,
  kind: tensorKindNames[info.kind] ?? "custom",
  phase: phaseNames[info.phase] ?? "none",
  layer: info.layer,
  topological_index: info.topologicalIndex,
  role: tensorRoleNames[info.role] ?? "none",
  placement: placementNames[info.placement] ?? "replicated",
  dtype: info.dtype,
  shape: info.shape,
  activation: info.activation,
  ver: batch.ver.toString(),
});
