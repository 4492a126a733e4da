// Everything a data folder holds of a run's scalars and tensors, value for value: opens the stopped server's storage itself,
// so that what it reads is what is on disk.

import { z } from "zod";
import { runKey } from "../../server/src/storage/keys.ts";
import { defineQuery, Integer, UInt64 } from "../../server/src/storage/query.ts";
import type { Store } from "../../server/src/storage/store.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";

export interface ExportedPoint {
  readonly metric: string;
  readonly step: number;
  /** The float64's bit pattern. */
  readonly bits: string;
}

export interface FullExport {
  readonly points: readonly ExportedPoint[];
  readonly tensors: readonly { readonly name: string; readonly step: number; readonly elements: number }[];
  readonly outcomes: readonly string[];
}

const exportedPoints = defineQuery({
  name: "exported-points",
  sql: `SELECT name AS metric, step, toString(reinterpretAsUInt64(value)) AS bits
    FROM (SELECT metric, step, value FROM scalars FINAL WHERE run = {run:UInt64}) AS s
    INNER JOIN (SELECT metric, name FROM metrics FINAL WHERE run = {run:UInt64}) AS m USING metric
    ORDER BY name, step`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ metric: z.string(), step: Integer, bits: z.string() }),
});

const exportedTensors = defineQuery({
  name: "exported-tensors",
  sql: `SELECT name, step, elements
    FROM (SELECT tensor, step, elements FROM tensors FINAL WHERE run = {run:UInt64}) AS t
    INNER JOIN (SELECT tensor, name FROM tensor_infos FINAL WHERE run = {run:UInt64}) AS i USING tensor
    ORDER BY name, step`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ name: z.string(), step: Integer, elements: Integer }),
});

const exportedOutcomes = defineQuery({
  name: "exported-outcomes",
  sql: `SELECT JSONExtractString(body, 'outcome') AS outcome FROM run_events FINAL WHERE run = {run:UInt64} AND kind = 'closed'`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ outcome: z.string() }),
});

export async function exportRun(dataFolder: string, project: string, id: string): Promise<FullExport> {
  const storage = await openDataFolder(dataFolder);
  try {
    return await exportFrom(storage.store, project, id);
  } finally {
    await storage.close();
  }
}

export async function exportFrom(store: Store, project: string, id: string): Promise<FullExport> {
  const run = runKey(project, id);
  const [points, tensors, outcomes] = await Promise.all([
    store.read(exportedPoints, { run }),
    store.read(exportedTensors, { run }),
    store.read(exportedOutcomes, { run }),
  ]);
  return { points, tensors, outcomes: outcomes.map(({ outcome }) => outcome) };
}

export const bitsOf = (value: number): string => String(new BigUint64Array(Float64Array.of(value).buffer)[0]);
