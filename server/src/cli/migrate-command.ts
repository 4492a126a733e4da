// `gradwatch migrate --to URL`: moves what the embedded engine holds to a ClickHouse server, and compares. The folder stays as it is.

import { Command } from "commander";
import { Config, loadConfig } from "../config.ts";
import { type CopiedTable, copyDatabase, type CopyProgress } from "../storage/copy-database.ts";
import { openStorage, type Storage, type StorageOptions } from "../storage/open-storage.ts";
import { CommandError } from "./call-api.ts";
import { table } from "./table.ts";

interface MigrateOptions {
  readonly to: string;
  readonly toUser: string;
  readonly toDatabase: string;
  readonly data?: string;
  readonly config?: string;
  readonly json?: boolean;
}

export function migrateCommand(): Command {
  return new Command("migrate")
    .description("move the embedded engine's data to a ClickHouse server; stop the server first")
    .requiredOption("--to <url>", "HTTP address of the ClickHouse server, as in http://clickhouse:8123")
    .option("--to-user <name>", "user there; its password is read from GRADWATCH_CLICKHOUSE_PASSWORD", "default")
    .option("--to-database <name>", "database there; made if it is absent", "gradwatch")
    .option("--data <folder>", "folder of the embedded engine's data; default as for serve")
    .option("--config <file>", "JSON file with the server's options")
    .option("--json", "print JSON, for programs")
    .action(async (options: MigrateOptions) => {
      process.stdout.write(`${await migrateData(options, process.env)}\n`);
    });
}

/** @returns what to print. @throws CommandError, ConfigError with one clear message. */
async function migrateData(options: MigrateOptions, environment: NodeJS.ProcessEnv): Promise<string> {
  checkTarget(options);
  const config = loadConfig({ flags: options.data === undefined ? {} : { data: options.data }, environment, file: options.config });
  const own: StorageOptions = {
    ...config,
    clickhouseUrl: undefined,
    dataFolder: config.data,
    engineMemoryBytesMax: config.engineMemory * 1024 * 1024,
    onEngineCrash: () => undefined,
    nowMs: Date.now,
  };
  const begunMs = performance.now();
  const source = await opened(own);
  try {
    const target = await opened({ ...own, clickhouseUrl: options.to, clickhouseUser: options.toUser, database: options.toDatabase });
    try {
      const tables = await orCommandError(() =>
        copyDatabase({
          source,
          target,
          sourceDatabase: config.database,
          targetDatabase: options.toDatabase,
          progress: process.stderr.isTTY ? drawProgress : () => undefined,
        }),
      );
      const seconds = (performance.now() - begunMs) / 1_000;
      return options.json === true ? JSON.stringify({ seconds, tables }, null, 2) : told(tables, seconds, options, config);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** @throws CommandError naming the option. */
function checkTarget({ to, toDatabase }: MigrateOptions): void {
  if (!URL.canParse(to) || !/^https?:$/.test(new URL(to).protocol)) {
    throw new CommandError(`--to is ${JSON.stringify(to)}; it must be an http(s) URL, for example http://clickhouse:8123.`);
  }
  const { error } = Config.shape.database.safeParse(toDatabase);
  if (error !== undefined) throw new CommandError(`--to-database is ${JSON.stringify(toDatabase)}; accepted: ${error.issues[0]?.message}.`);
}

const opened = (options: StorageOptions): Promise<Storage> => orCommandError(() => openStorage(options));

async function orCommandError<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  }
}

const BAR_WIDTH = 30;

function drawProgress({ table: name, rowsDone, rowsTotal }: CopyProgress): void {
  const share = rowsTotal === 0 ? 1 : rowsDone / rowsTotal;
  const bar = "█".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, "░");
  process.stderr.write(`\r\u001B[K${bar} ${Math.floor(share * 100)} % of ${rowsTotal} rows  ${name}${share === 1 ? "\n" : ""}`);
}

function told(tables: readonly CopiedTable[], seconds: number, { to, toDatabase }: MigrateOptions, { data }: Config): string {
  const rows = tables.map((one) => [one.table, String(one.rowsCopied), String(one.rows)]);
  return [
    table(["table", "rows copied", "rows compared equal"], rows),
    "",
    `All is at ${to}, database ${toDatabase}, compared equal, after ${seconds.toFixed(1)} s. Start the server with CLICKHOUSE_URL=${to}.`,
    `The data in ${data} stays as it was; remove it when you no longer want it.`,
  ].join("\n");
}
