// `gradwatch backup`: asks a running server for a backup, and waits for it. `gradwatch restore`: brings one into a data folder of its own.

import { setTimeout as delay } from "node:timers/promises";
import { Command, Option } from "commander";
import { Backup } from "../api/schema.ts";
import { loadConfig } from "../config.ts";
import { restoreBackup } from "../storage/backups.ts";
import { openStorage } from "../storage/open-storage.ts";
import { callApi, CommandError, defaultUrl, serverAt } from "./call-api.ts";

const POLL_MS = 500;

export function backupCommand(): Command {
  return new Command("backup")
    .description("back up everything that a running server holds, while data arrives")
    .argument("[name]", "folder of the backup, among the server's backups; default: the time")
    .addOption(new Option("--url <url>", "address of the server's page").default(defaultUrl(process.env)))
    .option("--json", "print JSON, for programs")
    .action(async (name: string | undefined, { url, json }: { url: string; json?: boolean }) => {
      const done = await backUp(name ?? new Date().toISOString().replaceAll(/[:.]/g, "-"), url);
      process.stdout.write(`${json === true ? JSON.stringify(done, null, 2) : toldOf(done)}\n`);
    });
}

/** @throws CommandError when it fails. */
async function backUp(name: string, url: string): Promise<Backup> {
  const server = serverAt(url, process.env);
  const path = `/backups/${encodeURIComponent(name)}`;
  let backup = await callApi(server, "PUT", path, Backup);
  while (backup.state === "running") {
    await delay(POLL_MS);
    backup = await callApi(server, "GET", path, Backup);
  }
  if (backup.state === "failed") throw new CommandError(`the backup failed: ${backup.error.split("\n")[0]}`);
  return backup;
}

const toldOf = ({ bytes, files, place }: Backup): string => `${files} files, ${(bytes / 1e6).toFixed(1)} MB, at ${place}`;

export function restoreCommand(): Command {
  return new Command("restore")
    .description("bring a backup into an empty data folder, for a server to be started on")
    .argument("<folder>", "folder of the backup")
    .requiredOption("--data <folder>", "data folder to make")
    .option("--config <file>", "JSON file with the server's options")
    .action(async (folder: string, { data, config: file }: { data: string; config?: string }) => {
      const config = loadConfig({ flags: { data }, environment: process.env, file });
      const options = { dataFolder: config.data, database: config.database, engineMemoryBytesMax: config.engineMemory * 1024 * 1024 };
      try {
        const { bytes, files } = await restoreBackup({ ...options, folder });
        // Of an older schema: brought up to date now, so that the first start is like any other.
        await (await openStorage({ ...options, ...ALONE, database: config.database })).close();
        process.stdout.write(`${files} files, ${(bytes / 1e6).toFixed(1)} MB, restored. Start the server with --data ${config.data}\n`);
      } catch (error) {
        throw new CommandError(error instanceof Error ? error.message : String(error));
      }
    });
}

const ALONE = {
  clickhouseUrl: undefined,
  clickhouseUser: "",
  clickhousePassword: "",
  onEngineCrash: (): void => undefined,
  nowMs: Date.now,
};
