// Rows that are to leave the disk: where they are, the statement that removes them, and what was removed so far.

import { z } from "zod";
import { defineQuery, Integer } from "../query.ts";
import { inTenant, tenantParameter } from "./keys.ts";
import { bytesOfRows } from "./storage-use.ts";

const BigInteger = z.string().transform(BigInt);

/** Deleted, and nobody can take it back any more. */
const deletedForGood = "(SELECT run FROM tombstones FINAL WHERE deleted = 1 AND time_ms <= {deleted_before_ms:Int64})";

/** Rows of runs that were deleted for good, whatever brought them there and when. */
export const doomedRows = (table: string) =>
  defineQuery({
    name: `doomed-${table}`,
    sql: `SELECT toString(a.run) AS run, any(r.project) AS project, sum(a.rows) AS rows, toUInt64(sum(a.bytes)) AS bytes
      FROM (${bytesOfRows([table], `run IN ${deletedForGood}`)}) AS a LEFT JOIN (SELECT run, project FROM runs FINAL) AS r ON r.run = a.run
      GROUP BY a.run ORDER BY a.run LIMIT {limit:UInt32}`,
    parameters: z.object({ deleted_before_ms: z.int(), limit: z.int() }),
    row: z.object({ run: BigInteger, project: z.string(), rows: Integer, bytes: Integer }),
    readsWholeTables: true,
  });

/**
 * ALTER … DELETE and not DELETE FROM: that one only masks rows and makes parts larger until something merges them. All versions
 * of a row have its run, so no older one comes to light. Does not wait: what is left is seen the next time.
 */
export const removal = (table: string) => ({
  name: `remove-${table}`,
  sql: `ALTER TABLE ${table} DELETE WHERE run IN {runs:Array(UInt64)} SETTINGS mutations_sync = 0`,
  parameters: z.object({ runs: z.array(z.bigint()) }),
});

/** Tables whose rows are being removed just now, and why that does not go on. */
export const unfinishedRemovals = defineQuery({
  name: "unfinished-removals",
  sql: `SELECT table, anyIf(latest_fail_reason, latest_fail_reason != '') AS failure FROM system.mutations
    WHERE database = currentDatabase() AND NOT is_done GROUP BY table`,
  parameters: z.object({}),
  row: z.object({ table: z.string(), failure: z.string() }),
});

/** What was removed so far and why, within the tenant's projects. */
export const freedSoFar = defineQuery({
  name: "freed-so-far",
  sql: `SELECT reason, uniqExact(run) AS runs, sum(rows) AS rows, sum(bytes) AS bytes, max(time_ms) AS last_ms
    FROM removals FINAL WHERE ${inTenant} GROUP BY reason`,
  parameters: z.object({ ...tenantParameter }),
  row: z.object({ reason: z.enum(["deleted", "expired"]), runs: Integer, rows: Integer, bytes: Integer, last_ms: Integer }),
});
