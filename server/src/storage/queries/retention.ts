// How long projects keep what, and which rows are kept no longer.

import { z } from "zod";
import { runTables, type DataKind } from "../run-tables.ts";
import { defineQuery, Integer } from "../query.ts";
import { deletedRuns } from "./deleted-runs.ts";
import { bytesOfRows } from "./storage-use.ts";

/** What can expire; the rest is small, and a run is not known without it. */
export const expiringKinds = ["scalars", "tensors", "images", "console"] as const satisfies readonly DataKind[];
export type ExpiringKind = (typeof expiringKinds)[number];

export const expiringTable = (kind: ExpiringKind): string => runTables.find((table) => table.kind === kind)?.name as string;

const settingRow = z.object({
  project: z.string(),
  kind: z.enum(expiringKinds),
  kept_days: Integer,
  changed_ms: Integer,
  changed_by: z.string(),
});
export type RetentionSetting = z.output<typeof settingRow>;

/** The last word on each kind; 0 days are for ever. */
export const retentionSettings = defineQuery({
  name: "retention-settings",
  sql: `SELECT project, kind, argMax(days, (time_ms, id)) AS kept_days, max(time_ms) AS changed_ms, argMax(actor, (time_ms, id)) AS changed_by
    FROM retention_events WHERE {project:String} = '' OR project = {project:String} GROUP BY project, kind ORDER BY project, kind`,
  parameters: z.object({ project: z.string() }),
  row: settingRow,
});

/** As fold-edits has it: the last word of the users. Of the events themselves, because run_summaries may be behind. */
const pinnedRuns = `(SELECT run FROM run_events WHERE kind = 'edited' AND JSONHas(body, 'pinned')
  AND run IN (SELECT run FROM runs WHERE project = {project:String})
  GROUP BY run HAVING argMax(JSONExtractBool(body, 'pinned'), (ver, sequence, position)))`;

const candidates = `run IN (SELECT run FROM runs WHERE project = {project:String}) AND run NOT IN ${pinnedRuns} AND run NOT IN ${deletedRuns}`;

/**
 * Runs of a project of which nothing of this kind was received since a day. All of a run's rows or none: a curve without its
 * beginning would be taken for the whole, and where the newest version of a row expired first, an older one would come to light.
 */
export const expiredRows = (kind: ExpiringKind) => {
  const table = expiringTable(kind);
  return defineQuery({
    name: `expired-${kind}`,
    sql: `SELECT toString(a.run) AS run, sum(a.rows) AS rows, toUInt64(sum(a.bytes)) AS bytes
      FROM (${bytesOfRows(
        [table],
        `run IN (SELECT run FROM ${table} WHERE ${candidates} GROUP BY run HAVING max(received_day) < {keep_from:Date})`,
      )}) AS a GROUP BY a.run ORDER BY a.run LIMIT {limit:UInt32}`,
    parameters: z.object({ project: z.string(), keep_from: z.string(), limit: z.int() }),
    row: z.object({ run: z.string().transform(BigInt), rows: Integer, bytes: Integer }),
    readsWholeTables: true,
  });
};

/** What arrived since it was counted stays. */
export const expiry = (kind: ExpiringKind) => ({
  name: `expire-${kind}`,
  sql: `ALTER TABLE ${expiringTable(kind)} DELETE WHERE run IN {runs:Array(UInt64)} AND received_day < {keep_from:Date} SETTINGS mutations_sync = 0`,
  parameters: z.object({ runs: z.array(z.bigint()), keep_from: z.string() }),
});
