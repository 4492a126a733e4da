// A page of runs in two reads: which runs are on it, from the few columns that filter and order look at; then what of
// them is shown. One read of both would carry every run's config and metrics through filter, join and sort.

import { z } from "zod";
import type { Field } from "../../filter/tree.ts";
import { Double, Integer, type Query } from "../query.ts";
import { sortSql } from "./filter-sql.ts";
import { Doubles } from "./number-columns.ts";
import { cellColumns } from "./run-cells.ts";
import { createBinder, type RunSelection, selectRows } from "./row-scope.ts";

export interface SortKey {
  readonly field: Field;
  readonly descending: boolean;
}

/** A row's place by one sort key: absent ones last either way, then by number and text. */
const SortValue = z.tuple([z.number(), Double, z.string()]);
export type SortValue = z.output<typeof SortValue>;

export interface PageOptions extends RunSelection {
  readonly sort: readonly SortKey[];
  /** The last row of the page before. */
  readonly after: { readonly place: readonly SortValue[]; readonly run: string } | undefined;
  readonly limit: number;
}

export interface BoundQuery<Row extends z.ZodType> {
  readonly query: Query<z.ZodObject, Row>;
  readonly parameters: Record<string, unknown>;
}

export const bound = <Row extends z.ZodType>(
  name: string,
  sql: string,
  row: Row,
  parameters: Readonly<Record<string, unknown>>,
): BoundQuery<Row> => ({
  query: { name, sql, parameters: z.looseObject({}), row },
  parameters: { ...parameters },
});

const RowKey = z.object({ run: z.string().transform(BigInt), place: z.array(SortValue) });

/** Keys of the runs on a page, in order. One more than the limit tells that there is another page. */
export function pageKeysQuery(options: PageOptions): BoundQuery<typeof RowKey> {
  const rows = selectRows(options);
  const keys = options.sort.map(({ field }, i) => {
    const { rank, number, text } = sortSql(field, rows);
    return `${rank} AS rank_${i}, ${number} AS number_${i}, ${text} AS text_${i}`;
  });
  const order = options.sort.map(({ descending }, i) => {
    const direction = descending ? "DESC" : "ASC";
    return `rank_${i}, number_${i} ${direction}, text_${i} ${direction}`;
  });
  const place = options.sort.map((_key, i) => `(rank_${i}, number_${i}, text_${i})`);
  const limit = rows.bind("Int64", options.limit + 1);
  const after = afterSql(options, rows);
  const sql = `SELECT toString(s.run) AS run, [${place.join(", ")}] AS place, ${keys.join(", ")} ${rows.from()} AND ${after}
    ORDER BY ${order.join(", ")}, s.run ${options.sort.at(-1)?.descending ? "DESC" : "ASC"} LIMIT ${limit}`;
  return bound("run-page-keys", sql, RowKey, rows.parameters);
}

/** Rows after the last one in the order: equal in the first n keys, beyond in the next; at last by the run's key. */
function afterSql({ after, sort }: PageOptions, { bind }: Pick<ReturnType<typeof selectRows>, "bind">): string {
  if (after === undefined) return "1";
  const parts: string[] = [];
  const equal: string[] = [];
  sort.forEach(({ descending }, i) => {
    const [absent, number, text] = after.place[i] as SortValue;
    const rank = bind("UInt8", absent);
    const at = `(number_${i}, text_${i})`;
    const value = `(${bind("Float64", number)}, ${bind("String", text)})`;
    parts.push([...equal, `(rank_${i} > ${rank} OR (rank_${i} = ${rank} AND ${at} ${descending ? "<" : ">"} ${value}))`].join(" AND "));
    equal.push(`(rank_${i} = ${rank} AND ${at} = ${value})`);
  });
  const beyond = `s.run ${sort.at(-1)?.descending ? "<" : ">"} ${bind("UInt64", after.run)}`;
  return `(${[...parts, [...equal, beyond].join(" AND ")].join(" OR ")})`;
}

const Keyed = z.array(z.tuple([z.number(), Double, z.number(), z.string(), z.number(), z.number()]));

const StoredRow = z.object({
  run: z.string().transform(BigInt),
  as_of_ms: Integer,
  project: z.string(),
  id: z.string(),
  name: z.string(),
  run_group: z.string(),
  job_type: z.string(),
  tags: z.array(z.string()),
  notes: z.string(),
  owner: z.string(),
  host: z.string(),
  error: z.string(),
  /** Empty: it has not ended, or nobody said so. */
  ended_state: z.enum(["", "finished", "failed", "killed", "preempted"]),
  ended_ms: Integer,
  created_ms: Integer,
  last_sign_ms: Integer,
  ranks: Integer,
  step_max: Integer.nullable(),
  archived: z.number(),
  pinned: z.number(),
  alerts: z.array(z.string()),
  firing: z.number(),
  verdicts: z.array(z.string()),
  config: z.string(),
  set_summary: z.string(),
  names: z.array(z.string()),
  last: Doubles,
  /** Of the chosen columns; see run-cells.ts. */
  config_cells: Keyed,
  fact_cells: Keyed,
  has_metric: z.array(z.number()),
  metric_points: Doubles,
  aggregated: z.array(Doubles),
});
type StoredRow = z.output<typeof StoredRow>;

/** A row with what depends on the moment; as row-scope.ts has it in SQL. */
export type RunRow = ReturnType<typeof rowAt>;

/** @param beatMs the last heartbeat, 0: none. */
export function rowAt(row: StoredRow, beatMs: number, { nowMs, silenceMs }: Pick<RunSelection, "nowMs" | "silenceMs">) {
  const sign_ms = Math.max(row.last_sign_ms, beatMs);
  const isSilent = nowMs - sign_ms >= silenceMs;
  const state = row.ended_state === "" ? (isSilent ? ("crashed" as const) : ("running" as const)) : row.ended_state;
  const end_ms = row.ended_state !== "" ? row.ended_ms : isSilent ? sign_ms : nowMs;
  return { ...row, sign_ms, state, end_ms, duration_ms: end_ms - row.created_ms };
}

/** Metrics whose last value a run shows. */
const shownMetricsMax = 50;
const bigColumns = new Set([
  "run",
  "config",
  "set_summary",
  "names",
  "last",
  "config_cells",
  "fact_cells",
  "has_metric",
  "metric_points",
  "aggregated",
]);
const plainColumns = Object.keys(StoredRow.shape).filter((name) => !bigColumns.has(name));

/**
 * What is shown of these runs, in no order. With columns chosen, config and summaries are not read. Heartbeats are read
 * beside it and not joined: 25 columns through a join take the engine twice as long.
 */
export function runRowsQuery(keys: readonly bigint[], columns: readonly Field[] | undefined): BoundQuery<typeof StoredRow> {
  const { bind, parameters } = createBinder();
  const whole =
    columns === undefined
      ? `config, set_summary, arraySlice(metric_names, 1, ${shownMetricsMax}) AS names, arraySlice(summary_last, 1, ${shownMetricsMax}) AS last`
      : "'{}' AS config, '{}' AS set_summary, [] AS names, [] AS last";
  const sql = `SELECT toString(s.run) AS run, ${plainColumns.join(", ")}, ${whole}, ${cellColumns(columns ?? [], bind)}
    FROM run_summaries AS s FINAL WHERE s.run IN ${bind("Array(UInt64)", [...keys])}`;
  return bound("run-rows", sql, StoredRow, parameters);
}
