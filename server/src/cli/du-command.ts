// `gradwatch du`: asks a server what takes how much of its disk.

import { Command, Option } from "commander";
import { StorageUse } from "../api/schema-storage.ts";
import { dataKinds } from "../storage/run-tables.ts";
import { callApi, defaultUrl, serverAt } from "./call-api.ts";
import { table } from "./table.ts";

/** Rows shown; the API gives up to 10 000. */
const rowsMax = 1_000;

interface DuOptions {
  readonly url: string;
  readonly project?: string;
  readonly runs?: boolean;
  readonly json?: boolean;
}

export function duCommand(): Command {
  return new Command("du")
    .description("what takes how much of a server's disk, by project and kind")
    .addOption(new Option("--url <url>", "address of the server's page").default(defaultUrl(process.env)))
    .option("--project <name>", "only this project")
    .option("--runs", "by run, the largest first")
    .option("--json", "print JSON, for programs")
    .action(async ({ url, project, runs, json }: DuOptions) => {
      const query = new URLSearchParams({
        limit: String(rowsMax),
        by: runs === true ? "run" : "project",
        ...(project === undefined ? {} : { project }),
      });
      const use = await callApi(serverAt(url, process.env), "GET", `/storage?${query.toString()}`, StorageUse);
      process.stdout.write(`${json === true ? JSON.stringify(use, undefined, 2) : forPeople(use, runs === true)}\n`);
    });
}

function forPeople({ use, tables, bytes, freed }: StorageUse, byRun: boolean): string {
  const rows = use.map(({ project, run, deleted, bytes: total, kinds }) => [
    `${project ?? "(no known run)"}${deleted ? " (deleted)" : ""}`,
    ...(byRun ? [run ?? ""] : []),
    sizeOf(total),
    ...dataKinds.map((kind) => (kinds[kind] === undefined ? "-" : sizeOf(kinds[kind].bytes))),
  ]);
  const sizes = tables.map((one) => [one.table, sizeOf(one.bytes), String(one.rows), String(one.parts)]);
  const waiting = tables.reduce((sum, one) => sum + one.waiting, 0);
  return [
    table(["PROJECT", ...(byRun ? ["RUN"] : []), "TOTAL", ...dataKinds.map((kind) => kind.toUpperCase())], rows),
    ...(use.length < rowsMax ? [] : [`There may be more: these are the ${rowsMax} largest. --project asks for one.`]),
    "Estimated: of each part of a table, the share that these rows have.\n",
    table(["TABLE", "SIZE", "ROWS", "PARTS"], [...sizes, ["total", sizeOf(bytes), "", ""]]),
    `Exact. ${sizeOf(waiting)} more are in replaced parts, which leave the disk within minutes.\n`,
    ...freed.map((one) => `Freed so far, ${one.reason}: about ${sizeOf(one.bytes)}, ${one.rows} rows of ${one.runs} runs.`),
  ].join("\n");
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

export function sizeOf(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
