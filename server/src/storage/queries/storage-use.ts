// What is on the disk: exact for tables, from their parts; estimated for runs, as the share that their rows have in each part.

import { z } from "zod";
import { runTables, type RunTable } from "../run-tables.ts";
import { defineQuery, Integer } from "../query.ts";
import { inTenant, tenantParameter } from "./keys.ts";

/**
 * (table_name, run, rows, bytes): one row a run, table and part. A part is sorted by run, so a run's rows lie together in it, but
 * rows of one part may compress differently: bytes are an estimate. They add up to the parts' sizes.
 *
 * @param condition SQL of ours, about the column run
 */
export function bytesOfRows(tables: readonly string[], condition: string): string {
  const counts = tables.map(
    (table) => `SELECT '${table}' AS table_name, run, _part AS part, count() AS rows FROM ${table} WHERE ${condition} GROUP BY run, part`,
  );
  return `SELECT c.table_name AS table_name, c.run AS run, c.rows AS rows, c.rows * p.row_bytes AS bytes FROM (${counts.join(" UNION ALL ")}) AS c
    LEFT JOIN (SELECT table, name, bytes_on_disk / rows AS row_bytes FROM system.parts WHERE database = currentDatabase() AND active AND rows > 0) AS p
    ON p.table = c.table_name AND p.name = c.part`;
}

/** Exact. `waiting`: parts that were replaced, by a merge or a removal, and are about to leave the disk. */
export const tableSizes = defineQuery({
  name: "table-sizes",
  sql: `SELECT table, sumIf(rows, active) AS rows, sumIf(bytes_on_disk, active) AS bytes, countIf(active) AS parts,
      sumIf(bytes_on_disk, NOT active) AS waiting
    FROM system.parts WHERE database = currentDatabase() GROUP BY table ORDER BY bytes DESC, table`,
  parameters: z.object({}),
  row: z.object({ table: z.string(), rows: Integer, bytes: Integer, parts: Integer, waiting: Integer }),
});

const kindOf = `transform(table_name, [${quoted(({ name }) => name)}], [${quoted(({ kind }) => kind)}], '')`;

function quoted(of: (table: RunTable) => string): string {
  return runTables.map((table) => `'${of(table)}'`).join(", ");
}

const useParameters = z.object({ ...tenantParameter, project: z.string(), limit: z.int() });

/** project '': rows whose run is not known (any more). deleted: of runs that can still be brought back, or are about to go. */
const useOf = (name: string, id: string) =>
  defineQuery({
    name,
    sql: `SELECT project, id, deleted, groupArray(kind) AS kinds, groupArray(kind_rows) AS rows, groupArray(kind_bytes) AS bytes, sum(kind_bytes) AS total
      FROM (
        SELECT r.project AS project, ${id} AS id, a.run IN (SELECT run FROM tombstones FINAL WHERE deleted = 1) AS deleted,
          ${kindOf} AS kind, sum(a.rows) AS kind_rows, toUInt64(round(sum(a.bytes))) AS kind_bytes
        FROM (${bytesOfRows(
          runTables.map((table) => table.name),
          "({project:String} = '' OR run IN (SELECT run FROM runs WHERE project = {project:String}))",
        )}) AS a
        LEFT JOIN (SELECT run, project, id FROM runs FINAL) AS r ON r.run = a.run
        GROUP BY project, id, deleted, kind
      ) WHERE ${inTenant} GROUP BY project, id, deleted ORDER BY total DESC, project, id, deleted LIMIT {limit:UInt32}`,
    parameters: useParameters,
    row: z.object({
      project: z.string(),
      id: z.string(),
      deleted: z.number(),
      kinds: z.array(z.string()),
      rows: z.array(Integer),
      bytes: z.array(Integer),
      total: Integer,
    }),
    readsWholeTables: true,
  });

export const useOfProjects = useOf("use-of-projects", "''");
export const useOfRuns = useOf("use-of-runs", "r.id");
