// Stopping: the detectors of many live runs are stored together, and one that hangs keeps nobody.

import { create } from "@bufbuild/protobuf";
import { BatchBodySchema, BatchSchema } from "@gradwatch/proto";
import { expect, test } from "vitest";
import { decodeBatch } from "../../src/ingest/decode-batch.ts";
import type { CommitItem } from "../../src/ingest/insert-group.ts";
import { defaultLimits } from "../../src/ingest/limits.ts";
import type { Store } from "../../src/storage/store.ts";
import { createWatcher } from "../../src/watch/watcher.ts";
import { startMs } from "../api/api-under-test.ts";
import { bareStore } from "../api/bare-api.ts";

const RUNS = 250;
const HANGS = 7n;

function item(key: bigint): CommitItem {
  const body = create(BatchBodySchema, { project: "p", runId: `r${key}`, ver: 1n });
  const batch = decodeBatch(create(BatchSchema, { producer: new Uint8Array(16), seq: 1n }), body, defaultLimits);
  if ("reason" in batch) throw new Error(batch.message);
  const names = { project: "p", id: `r${key}`, month: 202510, createdMs: startMs };
  return { run: { key, ...names, metrics: new Map(), tensors: new Set(), writers: new Map() }, batch };
}

test("the snapshots of many live runs are a few inserts, and a run that is not restored in time is left out", async () => {
  const inserted: string[][] = [];
  const store: Store = {
    ...bareStore,
    read: async (_query, parameters) => ((parameters as { run?: bigint }).run === HANGS ? await new Promise<never>(() => undefined) : []),
    insertRows: async (table, rows) => {
      if (table === "detector_snapshots") inserted.push(rows.map(({ run }) => String(run)));
    },
  };
  const failures: unknown[] = [];
  const watcher = createWatcher({
    store,
    nowMs: () => startMs,
    snapshotIntervalMs: 1e9,
    record: async () => [],
    notify: () => undefined,
    failed: (_what, error) => void failures.push(error),
  });
  watcher.committed(Array.from({ length: RUNS }, (_none, i) => item(BigInt(i + 1))));
  await watcher.drained();
  expect(inserted.length).toBeLessThanOrEqual(3);
  expect(new Set(inserted.flat())).toEqual(
    new Set(Array.from({ length: RUNS }, (_none, i) => String(i + 1)).filter((run) => run !== String(HANGS))),
  );
  expect(failures).toEqual([]);
});
