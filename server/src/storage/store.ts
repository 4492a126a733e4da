// The one door to ClickHouse, embedded or remote: named reads under limits, durable inserts, statements of migrations.
// Raw server messages stay in the error's cause; what callers see is a StoreError with a code they can switch on.

import { Readable } from "node:stream";
import { ClickHouseError, ClickHouseLogLevel, createClient, type ClickHouseClient } from "@clickhouse/client";
import type { z } from "zod";
import { nativeBlock, type NativeColumn } from "./native.ts";
import type { Query } from "./query.ts";

export interface StoreAddress {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

export interface StoreOptions {
  /** Asked again before every call: an embedded engine that was started again has another port. */
  readonly address: () => StoreAddress;
  readonly database: string;
  /** One read. */
  readonly readSecondsMax: number;
  readonly readRowsMax: number;
  readonly readBytesMax: number;
}

export interface Store {
  read<Parameters extends z.ZodObject, Row extends z.ZodType>(
    query: Query<Parameters, Row>,
    parameters: z.input<Parameters>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<z.output<Row>[]>;
  /** Resolves when the rows are durable. At most 1 M rows of one partition: larger inserts are not atomic. */
  insertColumns(table: string, rows: number, columns: readonly NativeColumn[]): Promise<void>;
  /** As `insertColumns`, for low-rate tables. */
  insertRows(table: string, rows: readonly Record<string, unknown>[]): Promise<void>;
  /** Copies or removes rows within the store. May be repeated. */
  change<Parameters extends z.ZodObject>(
    change: { readonly name: string; readonly sql: string; readonly parameters: Parameters },
    parameters: z.input<Parameters>,
  ): Promise<void>;
  /** A statement of a migration; never with anything a user typed. */
  execute(statement: string): Promise<void>;
  /** Whether the engine answers. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

export type StoreErrorCode = "unavailable" | "timeout" | "limit" | "rejected";

export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Every insert: rows as they are (no dedup pass), now (no server-side buffering). */
const insertSettings = { async_insert: 0, optimize_on_insert: 0, max_insert_threads: "1", insert_deduplicate: 0 } as const;

/** Below the client's own patience. */
const wholeTables = { max_execution_time: 50, max_rows_to_read: "0" } as const;

export function createStore(options: StoreOptions): Store {
  const clients = reconnecting(options);
  const readSettings = {
    readonly: "1",
    max_execution_time: options.readSecondsMax,
    max_rows_to_read: String(options.readRowsMax),
    max_memory_usage: String(options.readBytesMax),
    output_format_json_quote_64bit_integers: 1,
    output_format_json_quote_denormals: 1,
  } as const;

  return {
    async read(query, parameters, { signal } = {}) {
      const bound = query.parameters.parse(parameters);
      const rows = await attempt(query.name, async () => {
        const result = await clients.current().query({
          query: query.sql,
          query_params: bound,
          format: "JSONEachRow",
          clickhouse_settings: query.readsWholeTables === true ? { ...readSettings, ...wholeTables } : readSettings,
          ...(signal === undefined ? {} : { abort_signal: signal }),
        });
        return await result.json<unknown>();
      });
      return rows.map((row) => query.row.parse(row));
    },
    async insertColumns(table, rows, columns) {
      const names = columns.map((column) => column.name).join(", ");
      await attempt(`insert ${table}`, async () => {
        const { stream } = await clients.current().exec({
          query: `INSERT INTO ${table} (${names}) FORMAT Native`,
          values: Readable.from(nativeBlock(rows, columns), { objectMode: false, highWaterMark: 1024 * 1024 }),
          clickhouse_settings: insertSettings,
        });
        stream.resume();
      });
    },
    async insertRows(table, rows) {
      if (rows.length === 0) return;
      await attempt(`insert ${table}`, () =>
        clients.current().insert({ table, values: rows, format: "JSONEachRow", clickhouse_settings: insertSettings }),
      );
    },
    async change({ name, sql, parameters: schema }, parameters) {
      const bound = schema.parse(parameters);
      await attempt(name, () => clients.current().command({ query: sql, query_params: bound, clickhouse_settings: insertSettings }));
    },
    async execute(statement) {
      await attempt("statement", () => clients.current().command({ query: statement }));
    },
    async ping() {
      return (await clients.current().ping()).success;
    },
    close: () => clients.close(),
  };
}

/** A client for the address of the moment. */
function reconnecting({ address, database }: StoreOptions): { current(): ClickHouseClient; close(): Promise<void> } {
  let url = "";
  let client: ClickHouseClient | undefined;
  return {
    current() {
      const now = address();
      if (client === undefined || now.url !== url) {
        void client?.close();
        url = now.url;
        client = createClient({
          ...now,
          database,
          max_open_connections: 16,
          request_timeout: 60_000,
          // What goes wrong is told once, by whoever called.
          log: { level: ClickHouseLogLevel.OFF },
        });
      }
      return client;
    },
    async close() {
      await client?.close();
    },
  };
}

async function attempt<Result>(what: string, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw new StoreError(codeOf(error), `${what}: ${describe(error)}`, error);
  }
}

// Codes of clickhouse.com/docs: src/Common/ErrorCodes.cpp.
const timeoutCodes = new Set(["159", "209", "394"]);
const limitCodes = new Set(["158", "396", "307"]);
/** What says nothing about the rows or the query: it passes by itself, or somebody ends it. The same rows are taken then. */
const crowdedCodes = ["202", "241", "173", "201", "439", "252"];
const diskCodes = ["74", "75", "76", "243", "1001"];
const networkCodes = ["198", "210", "225", "236", "242", "279", "285", "286", "319", "425", "473", "499", "733", "999", "1000", "1002"];
/** Key, grants, profile, database and tables are not as they should be at this moment. */
const setupCodes = ["164", "192", "193", "194", "497", "516", "60", "81"];
/** What says nothing about the rows: it passes by itself, or somebody ends it, and the same rows are taken then. */
const awayCodes = new Set([...crowdedCodes, ...diskCodes, ...networkCodes, ...setupCodes]);

function codeOf(error: unknown): StoreErrorCode {
  if (!(error instanceof ClickHouseError)) return "unavailable";
  if (timeoutCodes.has(error.code)) return "timeout";
  if (limitCodes.has(error.code)) return "limit";
  return awayCodes.has(error.code) ? "unavailable" : "rejected";
}

/** First line only: ClickHouse's messages quote the data. */
function describe(error: unknown): string {
  if (error instanceof ClickHouseError) return `${error.type ?? "error"} ${error.code}`;
  return error instanceof Error ? (error.message.split("\n", 1)[0] ?? error.name) : String(error);
}
