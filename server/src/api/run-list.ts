// The list of runs: filter, order, columns and cursor as texts of a request, turned into a page. Pages stay stable while
// runs arrive: a cursor is the place of the last run shown, and the moment that the first page was asked at.

import { createHash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { FilterError } from "../filter/filter-error.ts";
import { parseFields, parseFilter, parseSort } from "../filter/parse.ts";
import { regexOfPart } from "../filter/patterns.ts";
import { printFilter } from "../filter/print.ts";
import type { Field, Filter } from "../filter/tree.ts";
import { incidentCounts } from "../storage/queries/incidents.ts";
import type { RunSelection } from "../storage/queries/row-scope.ts";
import { type Cell as StoredCell, cellsOf } from "../storage/queries/run-cells.ts";
import { pageKeysQuery, type RunRow, type SortKey, type SortValue } from "../storage/queries/run-rows.ts";
import { jsonFloat } from "./json-float.ts";
import { ProblemError } from "./problem.ts";
import { readRunRows } from "./read-run-rows.ts";
import { type ReadContext, worstOf } from "./run-reader.ts";
import type { Cell, ListedRun, RunPage } from "./schema-runs.ts";
import { Float, type RunState } from "./schema.ts";

/** What a request says about the runs it means. */
export interface AskedRuns {
  readonly project?: string | undefined;
  readonly filter?: string | undefined;
  readonly state?: RunState | undefined;
  readonly search?: string | undefined;
}

export interface AskedPage extends AskedRuns {
  readonly sort?: string | undefined;
  readonly columns?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

const newestFirst: readonly SortKey[] = [{ field: { name: "created" }, descending: true }];

export async function readRunList(asked: AskedPage, context: ReadContext): Promise<RunPage> {
  const filter = filterOf(asked);
  const sort = ofText("sort", asked.sort, parseSort) ?? newestFirst;
  const columns = ofText("columns", asked.columns, parseFields);
  const list = listId(filter, asked);
  const cursor = asked.cursor === undefined ? undefined : decodeCursor(asked.cursor, list, sort.length);
  const { tenant, silenceMs } = context;
  const selection = { tenant, filter, project: asked.project, nowMs: cursor?.nowMs ?? context.nowMs, silenceMs };
  const { query, parameters } = pageKeysQuery({ ...selection, sort, after: cursor, limit: asked.limit });
  const found = await context.store.read(query, parameters, { signal: context.signal });
  const shown = found.slice(0, asked.limit);
  const last = shown.at(-1);
  const hasMore = found.length > asked.limit && last !== undefined;
  return {
    runs: await listedRuns(
      shown.map(({ run }) => run),
      columns,
      selection,
      context,
    ),
    nextCursor: hasMore ? encodeCursor({ list, nowMs: selection.nowMs, place: last.place, run: last.run.toString() }) : null,
  };
}

/** @throws ProblemError with the column */
export function filterOf({ filter, state, search }: AskedRuns): Filter | undefined {
  const parts: Filter[] = [];
  const written = ofText("filter", filter?.trim() === "" ? undefined : filter, parseFilter);
  if (written !== undefined) parts.push(written);
  if (state !== undefined) parts.push({ kind: "compare", field: { name: "state" }, operator: "=", value: { type: "text", value: state } });
  if (search !== undefined && search !== "") {
    const searched = (["id", "name", "group", "tag", "note"] as const).map((name) => ({
      kind: "regex" as const,
      field: { name },
      pattern: regexOfPart(search),
    }));
    parts.push({ kind: "or", of: searched });
  }
  return parts.length < 2 ? parts[0] : { kind: "and", of: parts };
}

/** @throws ProblemError that names parameter and column */
export function ofText<Parsed>(parameter: string, text: string | undefined, parse: (text: string) => Parsed): Parsed | undefined {
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new ProblemError("invalid-request", `${parameter}, ${error.message}`, [
      { path: parameter, message: error.message, column: error.column },
    ]);
  }
}

async function listedRuns(
  keys: readonly bigint[],
  columns: readonly Field[] | undefined,
  moment: RunSelection,
  context: ReadContext,
): Promise<ListedRun[]> {
  if (keys.length === 0) return [];
  const [rowOf, incidents] = await Promise.all([
    readRunRows(keys, columns, moment, context),
    context.store.read(incidentCounts, { runs: [...keys] }, { signal: context.signal }),
  ]);
  const incidentsOf = new Map(incidents.map((row) => [row.run, row]));
  const cells = cellsOf(columns ?? []);
  return keys.flatMap((key) => {
    const row = rowOf.get(key);
    if (row === undefined) return [];
    const counts = incidentsOf.get(key);
    return {
      ...described(row),
      incidents: { firing: counts?.firing ?? 0, total: counts?.total ?? 0, worst: worstOf(counts?.levels ?? []) },
      cells: cells(row).map(jsonCell),
    };
  });
}

const described = (row: RunRow): Omit<ListedRun, "incidents" | "cells"> => ({
  project: row.project,
  run: row.id,
  name: row.name,
  group: row.run_group,
  jobType: row.job_type,
  tags: row.tags,
  notes: row.notes,
  archived: row.archived === 1,
  pinned: row.pinned === 1,
  state: row.state,
  createdAt: row.created_ms,
  updatedAt: row.sign_ms,
  endedAt: row.state === "running" ? null : row.end_ms,
  ranks: row.ranks,
  stepMax: row.step_max,
  config: JSON.parse(row.config) as Record<string, unknown>,
  summary: {
    ...Object.fromEntries(row.names.map((name, i) => [name, jsonFloat(row.last[i] as number)])),
    ...(JSON.parse(row.set_summary) as Record<string, number | string>),
  },
  asOf: row.as_of_ms,
});

export const jsonCell = (cell: StoredCell): Cell => {
  if (cell === undefined) return null;
  if (typeof cell === "number") return jsonFloat(cell);
  return typeof cell === "object" ? [...cell] : cell;
};

/** What a cursor belongs to: pages of one filter, order and project. */
const listId = (filter: Filter | undefined, { project, sort }: AskedPage): string =>
  createHash("sha256")
    .update(JSON.stringify([filter === undefined ? "" : printFilter(filter), project, sort]))
    .digest("base64url")
    .slice(0, 12);

const Cursor = z.object({
  list: z.string(),
  nowMs: z.number().int(),
  place: z.array(z.tuple([z.number().int().min(0).max(255), Float, z.string()])),
  run: z.string().regex(/^\d{1,20}$/),
});

interface Place {
  readonly nowMs: number;
  readonly place: readonly SortValue[];
  readonly run: string;
}

const encodeCursor = ({ place, ...rest }: Place & { readonly list: string }): string =>
  Buffer.from(JSON.stringify({ ...rest, place: place.map(([rank, number, text]) => [rank, jsonFloat(number), text]) })).toString(
    "base64url",
  );

function decodeCursor(text: string, list: string, keys: number): Place {
  let cursor: z.infer<typeof Cursor> | undefined;
  try {
    cursor = Cursor.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
  } catch {
    // Told below.
  }
  if (cursor === undefined || cursor.list !== list || cursor.place.length !== keys) {
    throw new ProblemError(
      "invalid-request",
      `cursor ${JSON.stringify(text.slice(0, 100))} was not made by this list: project, filter and sort must be those of the page it came with. Leave it out to begin at the first page.`,
    );
  }
  return { ...cursor, place: cursor.place.map(([rank, number, part]) => [rank, Number(number), part]) };
}
