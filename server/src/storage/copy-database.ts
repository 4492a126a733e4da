// Moves a whole database from one ClickHouse to another, part by part, as the engine's own binary columns, so that every bit stays. Rows are
// replaced by key and version wherever they go, so what was copied twice is there once: an interrupted copy is simply begun again.

import { ClickHouseLogLevel, createClient, type ClickHouseClient } from "@clickhouse/client";
import { z } from "zod";
import { defineQuery, Integer, UInt64 } from "./query.ts";
import type { Storage } from "./open-storage.ts";

export interface CopyProgress {
  readonly table: string;
  readonly rows: number;
  /** Of all tables together. */
  readonly rowsDone: number;
  readonly rowsTotal: number;
}

export interface CopiedTable {
  readonly table: string;
  /** As they lie there, those that a merge would drop included. */
  readonly rowsCopied: number;
  /** After replacement by key. */
  readonly rows: number;
}

/** The copy cannot begin, or what came out of it differs: one clear line. */
export class CopyError extends Error {
  override readonly name = "CopyError";
}

export interface CopyOptions {
  readonly source: Storage;
  readonly target: Storage;
  readonly sourceDatabase: string;
  readonly targetDatabase: string;
  readonly progress: (progress: CopyProgress) => void;
}

/** Derived, or written by the target's own start. */
const NOT_COPIED: ReadonlySet<string> = new Set(["run_summaries", "schema_migrations"]);
/** Of one insert: atomic below a million rows, and held in memory once. */
const CHUNK_ROWS_MAX = 200_000;
const CHUNK_BYTES_MAX = 32 * 1024 * 1024;

const allTables = defineQuery({
  name: "all-tables",
  sql: `SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name`,
  parameters: z.object({}),
  row: z.object({ name: z.string() }),
});
const storedColumns = defineQuery({
  name: "stored-columns",
  sql: `SELECT table, name, type FROM system.columns
    WHERE database = currentDatabase() AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY table, position`,
  parameters: z.object({}),
  row: z.object({ table: z.string(), name: z.string(), type: z.string() }),
});
const activeParts = defineQuery({
  name: "active-parts",
  sql: `SELECT table, name, rows, data_uncompressed_bytes AS bytes FROM system.parts
    WHERE database = currentDatabase() AND active ORDER BY table, name`,
  parameters: z.object({}),
  row: z.object({ table: z.string(), name: z.string(), rows: Integer, bytes: Integer }),
});
const runsOf = defineQuery({
  name: "all-run-keys",
  sql: `SELECT DISTINCT run FROM runs ORDER BY run`,
  parameters: z.object({}),
  row: z.object({ run: UInt64 }),
});

/** @throws CopyError, StoreError, the client's errors. The source is only read; merges there rest meanwhile. */
export async function copyDatabase(options: CopyOptions): Promise<CopiedTable[]> {
  const { source, target, progress } = options;
  await refuseForeignRuns(options);
  const columns = Map.groupBy(await source.store.read(storedColumns, {}), ({ table }) => table);
  const tables = (await source.store.read(allTables, {})).map(({ name }) => name).filter((name) => !NOT_COPIED.has(name));
  const [from, to] = [clientOf(source, options.sourceDatabase), clientOf(target, options.targetDatabase)];
  try {
    // A part that a merge replaced would be missed.
    for (const table of tables) await source.store.execute(`SYSTEM STOP MERGES ${table}`);
    const parts = (await source.store.read(activeParts, {})).filter(({ table }) => tables.includes(table));
    const rowsTotal = parts.reduce((sum, { rows }) => sum + rows, 0);
    let rowsDone = 0;
    const copied = new Map<string, number>(tables.map((table) => [table, 0]));
    for (const { table, name, rows, bytes } of parts) {
      const list = (columns.get(table) ?? []).map((column) => quoted(column.name)).join(", ");
      const chunk = Math.max(1, Math.min(CHUNK_ROWS_MAX, Math.floor((CHUNK_BYTES_MAX * rows) / Math.max(1, bytes))));
      for (let at = 0; at < rows; at += chunk) {
        const slice = `_part = '${name}' AND _part_offset >= ${at} AND _part_offset < ${at + chunk}`;
        await copyRows(from, to, table, list, slice);
        const count = Math.min(chunk, rows - at);
        rowsDone += count;
        copied.set(table, (copied.get(table) as number) + count);
        progress({ table, rows: copied.get(table) as number, rowsDone, rowsTotal });
      }
    }
    const result: CopiedTable[] = [];
    for (const table of tables) {
      const sql = digestSql(table, columns.get(table) ?? []);
      const [before, after] = await Promise.all([digestOf(from, sql), digestOf(to, sql)]);
      if (before.rows !== after.rows || before.digest !== after.digest) {
        throw new CopyError(
          `table ${table} differs after the copy: ${before.rows} rows here, ${after.rows} there. Is somebody writing to either? Stop that and run the command again.`,
        );
      }
      result.push({ table, rowsCopied: copied.get(table) as number, rows: before.rows });
    }
    return result;
  } finally {
    for (const table of tables) await source.store.execute(`SYSTEM START MERGES ${table}`).catch(() => undefined);
    await Promise.all([from.close(), to.close()]);
  }
}

async function refuseForeignRuns({ source, target, targetDatabase }: CopyOptions): Promise<void> {
  const own = new Set((await source.store.read(runsOf, {})).map(({ run }) => run));
  const foreign = (await target.store.read(runsOf, {})).filter(({ run }) => !own.has(run));
  if (foreign.length === 0) return;
  throw new CopyError(
    `database ${targetDatabase} there holds ${foreign.length} runs that are not from here; it must be empty, or hold an interrupted copy. Choose another with --to-database.`,
  );
}

async function copyRows(from: ClickHouseClient, to: ClickHouseClient, table: string, columns: string, slice: string): Promise<void> {
  const { stream } = await from.exec({ query: `SELECT ${columns} FROM ${table} WHERE ${slice} FORMAT Native` });
  const inserted = await to.exec({
    query: `INSERT INTO ${table} (${columns}) FORMAT Native`,
    values: stream,
    clickhouse_settings: { async_insert: 0, optimize_on_insert: 0, insert_deduplicate: 0, max_insert_threads: "1" },
  });
  inserted.stream.resume();
}

const Digest = z.object({ rows: Integer, digest: z.string() });

/** Past the store, whose limits on one read are for requests of people: a table is read whole here, however large. */
async function digestOf(client: ClickHouseClient, query: string): Promise<z.output<typeof Digest>> {
  const [row] = await (await client.query({ query, format: "JSONEachRow" })).json();
  return Digest.parse(row);
}

/** One number for all rows whatever their order: the sum of hashes of their columns' bits. */
function digestSql(table: string, columns: readonly { readonly name: string; readonly type: string }[]): string {
  // A hash of NULL is NULL.
  const hashed = columns.map(({ name, type }) => (type.startsWith("Nullable") ? `toString(tuple(${quoted(name)}))` : quoted(name)));
  // Aliases must not be names of columns.
  return `SELECT tuple_of.1 AS rows, toString(tuple_of.2) AS digest
    FROM (SELECT (count(), sum(cityHash64(${hashed.join(", ")}))) AS tuple_of FROM ${table} FINAL)`;
}

const quoted = (name: string): string => `\`${name}\``;

const clientOf = (storage: Storage, database: string): ClickHouseClient =>
  createClient({ ...storage.address(), database, request_timeout: 600_000, log: { level: ClickHouseLogLevel.OFF } });
