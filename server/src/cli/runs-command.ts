// `gradwatch runs [FILTER]`: asks a server for its runs and prints a table for people, or JSON for programs. An error of
// the filter is shown under its column.

import { Command, InvalidArgumentError, Option } from "commander";
import { type Cell, RunPage } from "../api/schema-runs.ts";
import { parseFields } from "../filter/parse.ts";
import { printField } from "../filter/print.ts";
import { callApi, CommandError, defaultUrl, type Server, serverAt } from "./call-api.ts";
import { table } from "./table.ts";

interface RunsOptions {
  readonly url: string;
  readonly project?: string;
  readonly sort?: string;
  readonly columns: string;
  readonly limit: number;
  readonly json?: boolean;
}

const defaultColumns = "id, name, project, state, step, summary.loss.last, firing, duration, created";
const limitMax = 100_000;
/** Runs of one request. */
const pageMax = 200;

export function runsCommand(): Command {
  return new Command("runs")
    .description("list runs of a server; see docs/filter-language.md")
    .argument("[filter]", "which runs, as in: config.lr < 0.01 and created > now-7d", "")
    .addOption(new Option("--url <url>", "address of the server's page").default(defaultUrl(process.env)))
    .option("--project <name>", "only this project")
    .option("--sort <fields>", "up to three fields, each with asc or desc; default: created desc")
    .option("--columns <fields>", "what to show", defaultColumns)
    .addOption(new Option("--limit <n>", "most runs to show").argParser(limit).default(50))
    .option("--json", "print JSON, for programs")
    .action(async (filter: string, options: RunsOptions) => {
      process.stdout.write(`${await listRuns(filter, options)}\n`);
    });
}

function limit(text: string): number {
  const given = /^\d+$/.test(text) ? Number(text) : 0;
  if (given >= 1 && given <= limitMax) return given;
  throw new InvalidArgumentError(`it must be a whole number from 1 to ${limitMax}.`);
}

/** @returns what to print. @throws CommandError, FilterError with one clear message. */
async function listRuns(filter: string, options: RunsOptions): Promise<string> {
  const names = parseFields(options.columns).map(printField);
  const server = serverAt(options.url, process.env);
  const runs: RunPage["runs"] = [];
  let cursor: string | null = "";
  while (cursor !== null && runs.length < options.limit) {
    const page: RunPage = await readPage(server, filter, options, Math.min(pageMax, options.limit - runs.length), cursor);
    runs.push(...page.runs);
    cursor = page.nextCursor;
  }
  if (options.json === true) {
    return JSON.stringify(
      runs.map(({ project, run, cells }) => ({ project, run, ...Object.fromEntries(names.map((name, i) => [name, cells[i] ?? null])) })),
      null,
      2,
    );
  }
  const rows = runs.map(({ cells }) => cells.map((cell, i) => textOf(cell, names[i] as string)));
  return [table(names, rows), cursor === null ? "" : `\nThere are more; --limit is ${options.limit}.`].join("");
}

async function readPage(
  server: Server,
  filter: string,
  { project, sort, columns }: RunsOptions,
  count: number,
  cursor: string,
): Promise<RunPage> {
  const asked = { filter, project, sort, columns, limit: String(count), cursor };
  const query = new URLSearchParams(Object.entries(asked).filter((one): one is [string, string] => one[1] !== undefined && one[1] !== ""));
  try {
    return await callApi(server, "GET", `/runs?${query.toString()}`, RunPage);
  } catch (error) {
    if (!(error instanceof CommandError) || error.fault?.column === undefined) throw error;
    const { path, column } = error.fault;
    const typed = { filter, sort, columns }[path];
    throw typed === undefined ? error : new CommandError(`${error.message}\n  ${typed}\n  ${" ".repeat(column - 1)}^`);
  }
}

function textOf(cell: Cell, name: string): string {
  if (cell === null) return "-";
  if (typeof cell === "object") return cell.join(",");
  if (typeof cell !== "number") return String(cell);
  if (name === "created") return new Date(cell).toISOString().slice(0, 16).replace("T", " ");
  if (name === "duration") return `${(cell / 60_000).toFixed(1)}m`;
  return Number.isInteger(cell) ? String(cell) : String(Number(cell.toPrecision(5)));
}
