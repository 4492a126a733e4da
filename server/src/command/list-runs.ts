// `gradwatch runs [FILTER]`: asks a server for its runs and prints a table for people, or JSON for programs. An error of
// the filter is shown under its column.

import { z } from "zod";
import { parseFields } from "../filter/parse.ts";
import { printField } from "../filter/print.ts";
import { type Cell, RunPage } from "../api/schema-runs.ts";
import { Problem } from "../api/schema.ts";

export const listRunsOptions = z.object({
  url: z.url(),
  project: z.string().optional(),
  sort: z.string().optional(),
  columns: z.string(),
  limit: z.coerce.number().int().min(1).max(100_000),
  json: z.boolean().default(false),
});
export type ListRunsOptions = z.output<typeof listRunsOptions>;

export const defaultColumns = "id, name, project, state, step, summary.loss.last, firing, duration, created";

/** Runs of one request. */
const pageMax = 200;

export class ListRunsError extends Error {
  override readonly name = "ListRunsError";
}

/** @returns what to print. @throws ListRunsError with one clear message. */
export async function listRuns(filter: string, options: ListRunsOptions, apiKey: string | undefined): Promise<string> {
  const runs: RunPage["runs"] = [];
  let cursor: string | null = "";
  while (cursor !== null && runs.length < options.limit) {
    const page: RunPage = await readPage(filter, options, Math.min(pageMax, options.limit - runs.length), cursor, apiKey);
    runs.push(...page.runs);
    cursor = page.nextCursor;
  }
  const names = parseFields(options.columns).map(printField);
  if (options.json) {
    return JSON.stringify(
      runs.map(({ project, run, cells }) => ({ project, run, ...Object.fromEntries(names.map((name, i) => [name, cells[i] ?? null])) })),
      null,
      2,
    );
  }
  const rows = runs.map(({ cells }) => cells.map((cell, i) => textOf(cell, names[i] as string)));
  return [tableOf(names, rows), cursor === null ? "" : `\nThere are more; --limit is ${options.limit}.`].join("");
}

async function readPage(
  filter: string,
  options: ListRunsOptions,
  limit: number,
  cursor: string,
  apiKey: string | undefined,
): Promise<RunPage> {
  const { url, project, sort, columns } = options;
  const asked = { filter, project, sort, columns, limit: String(limit), cursor };
  const query = new URLSearchParams(Object.entries(asked).filter((one): one is [string, string] => one[1] !== undefined && one[1] !== ""));
  let response: Response;
  try {
    response = await fetch(
      new URL(`/api/v1/runs?${query.toString()}`, url),
      apiKey === undefined ? {} : { headers: { authorization: `Bearer ${apiKey}` } },
    );
  } catch {
    throw new ListRunsError(`no server answers at ${url}. Start one, or give its address with --url or GRADWATCH_HTTP_URL.`);
  }
  if (response.ok) return RunPage.parse(await response.json());
  const problem = Problem.safeParse(await response.json().catch(() => undefined));
  if (!problem.success) throw new ListRunsError(`${url} answered ${response.status}, and not as Gradwatch does.`);
  const [fault] = problem.data.errors ?? [];
  const typed = fault?.path === "filter" ? filter : fault?.path === "sort" ? sort : fault?.path === "columns" ? columns : undefined;
  const pointer = typed === undefined || fault?.column === undefined ? "" : `\n  ${typed}\n  ${" ".repeat(fault.column - 1)}^`;
  throw new ListRunsError(`${problem.data.detail}${pointer}`);
}

function textOf(cell: Cell, name: string): string {
  if (cell === null) return "-";
  if (typeof cell === "object") return cell.join(",");
  if (typeof cell !== "number") return String(cell);
  if (name === "created") return new Date(cell).toISOString().slice(0, 16).replace("T", " ");
  if (name === "duration") return `${(cell / 60_000).toFixed(1)}m`;
  return Number.isInteger(cell) ? String(cell) : String(Number(cell.toPrecision(5)));
}

/** Names come from users: control characters must not reach the terminal. */
const visible = (text: string): string => text.replaceAll(/\p{C}/gu, "\u{FFFD}");

function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows].map((row) => row.map(visible));
  const widths = heads.map((_head, i) => Math.max(...lines.map((row) => row[i]?.length ?? 0)));
  return lines
    .map((row) =>
      row
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
