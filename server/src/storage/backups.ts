// Backups are the engine's own: its parts are never changed once written, so a backup takes those that are there at its moment, while others are being
// written. What is acknowledged before it is asked for is in it.

import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { startEmbeddedEngine } from "../engine/embedded.ts";
import { defineQuery, Integer } from "./query.ts";
import { createStore, type Store, StoreError } from "./store.ts";

/** What a backup may be called: a folder of its own among the backups. */
export const BACKUP_NAME: RegExp = /^[\w-][\w.-]{0,99}$/;

export interface BackupStatus {
  readonly state: "running" | "done" | "failed";
  readonly bytes: number;
  readonly files: number;
  /** Of a failed one, in the engine's words. */
  readonly error: string;
}

export interface Backups {
  /** Where a backup of this name is, for people. */
  readonly place: (name: string) => string;
  /** Returns once it has begun. @throws StoreError */
  start(name: string): Promise<void>;
  /** Undefined: none of this name was begun since the engine was started. */
  status(name: string): Promise<BackupStatus | undefined>;
}

const backupStatus = defineQuery({
  name: "backup-status",
  sql: `SELECT toString(status) AS status, error, total_size AS bytes, num_files AS files FROM system.backups
    WHERE name = {name:String} ORDER BY start_time DESC LIMIT 1`,
  parameters: z.object({ name: z.string() }),
  row: z.object({ status: z.string(), error: z.string(), bytes: Integer, files: Integer }),
});

async function statusOf(store: Store, name: string): Promise<BackupStatus | undefined> {
  const [row] = await store.read(backupStatus, { name: `File('${name}')` });
  if (row === undefined) return undefined;
  const state = /FAILED|CANCELLED/.test(row.status) ? "failed" : /CREATED|RESTORED/.test(row.status) ? "done" : "running";
  return { state, bytes: row.bytes, files: row.files, error: row.error };
}

export function createBackups(store: Store, database: string, place: (name: string) => string): Backups {
  return {
    place,
    async start(name) {
      if (!BACKUP_NAME.test(name)) throw new RangeError(`${JSON.stringify(name)} is no name of a backup`);
      await store.execute(`BACKUP DATABASE ${database} TO File('${name}') ASYNC`);
    },
    status: (name) => statusOf(store, name),
  };
}

export interface RestoreOptions {
  /** Of the backup. */
  readonly folder: string;
  /** Empty, or not there yet. */
  readonly dataFolder: string;
  readonly database: string;
  readonly engineMemoryBytesMax: number;
}

/** Brings a backup into a data folder of its own. @throws Error with one clear line. */
export async function restoreBackup({ folder, dataFolder, database, engineMemoryBytesMax }: RestoreOptions): Promise<BackupStatus> {
  const path = resolve(folder);
  const [name, source] = [basename(path), databaseIn(path)];
  if (!BACKUP_NAME.test(name))
    throw new Error(`backup ${path} has a name that is none of a backup. Rename the folder to letters, digits, "-", "_" and ".".`);
  const engine = await startEmbeddedEngine({
    dataFolder,
    memoryBytesMax: engineMemoryBytesMax,
    backupsFolder: dirname(path),
    onCrash: () => undefined,
  });
  const address = (): { url: string; username: string; password: string } => ({
    url: engine.url(),
    username: engine.username,
    password: engine.password,
  });
  const store = createStore({ address, database: "default", readSecondsMax: 60, readRowsMax: 1e9, readBytesMax: 1e9 });
  try {
    await store.execute(`RESTORE DATABASE ${source} AS ${database} FROM File('${name}') ASYNC`);
    for (;;) {
      const status = await statusOf(store, name);
      if (status?.state === "failed")
        throw new Error(`backup ${path} cannot be restored into ${dataFolder}: ${status.error.split("\n")[0]}`);
      if (status?.state === "done") return status;
      await delay(POLL_MS);
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new Error(
      `backup ${path} cannot be restored into ${dataFolder}: ${error.message}. Is it an empty folder, and the backup whole?`,
      {
        cause: error,
      },
    );
  } finally {
    await store.close();
    await engine.stop();
  }
}

const POLL_MS = 200;

/** @throws Error when there is no backup. */
function databaseIn(folder: string): string {
  try {
    if (!statSync(join(folder, ".backup")).isFile()) throw new Error("its .backup is no file");
    const file = readdirSync(join(folder, "metadata")).find((name) => /^\w+\.sql$/.test(name));
    if (file === undefined) throw new Error("it holds no database");
    return file.slice(0, -".sql".length);
  } catch (error) {
    throw new Error(`${folder} is no backup: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
