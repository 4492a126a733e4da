// Storage ready for use: the embedded engine or a ClickHouse server behind one address, migrated. The rest of the server
// does not know which of the two it has.

import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { backupsFolderOf, startEmbeddedEngine, type EmbeddedEngine } from "../engine/embedded.ts";
import { migrate } from "./migrate.ts";
import { diskSpace } from "./queries/disks.ts";
import { createStore, type Store, type StoreAddress } from "./store.ts";

export interface StorageOptions {
  readonly clickhouseUrl: string | undefined;
  readonly clickhouseUser: string;
  readonly clickhousePassword: string;
  readonly database: string;
  readonly dataFolder: string;
  readonly engineMemoryBytesMax: number;
  readonly onEngineCrash: (reason: string) => void;
  readonly nowMs: () => number;
}

export interface Storage {
  readonly store: Store;
  /** Where ClickHouse's protocol is spoken right now. */
  readonly address: () => StoreAddress;
  /** For people: which engine holds the data. */
  readonly description: string;
  /** Where a backup of this name is written, for people. */
  readonly backupPlace: (name: string) => string;
  readonly enginePid: () => number | undefined;
  /** Room where the data is: of the data folder's file system, or of the ClickHouse server's disks. */
  readonly space: () => Promise<{ readonly usedBytes: number; readonly freeBytes: number }>;
  readonly migrated: readonly number[];
  close(): Promise<void>;
}

/** Limits of one read; a page of the UI needs a small part of them. */
const readLimits = { readSecondsMax: 20, readRowsMax: 500_000_000, readBytesMax: 600 * 1024 * 1024 };

/** @throws Error or MigrationError with one clear line. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const engine = options.clickhouseUrl === undefined ? await openEmbedded(options) : undefined;
  const address =
    engine === undefined ? remoteAddress(options) : () => ({ url: engine.url(), username: engine.username, password: engine.password });
  const admin = createStore({ address, database: "default", ...readLimits });
  const store = createStore({ address, database: options.database, ...readLimits });
  try {
    if (engine === undefined && !(await admin.ping())) {
      throw new Error(`no ClickHouse answers at ${options.clickhouseUrl}. Check the address, or leave it out to use the embedded engine.`);
    }
    const migrated = await migrate(admin, store, options.database, options.nowMs());
    return {
      store,
      address,
      description: engine === undefined ? `ClickHouse at ${options.clickhouseUrl}` : `embedded engine in ${options.dataFolder}`,
      backupPlace: (name) =>
        engine === undefined ? `${name} in that ClickHouse server's backups.allowed_path` : join(backupsFolderOf(options.dataFolder), name),
      enginePid: () => engine?.pid(),
      space: () => (engine === undefined ? spaceOfServer(store) : spaceOfFolder(options.dataFolder)),
      migrated,
      async close() {
        await Promise.all([admin.close(), store.close()]);
        await engine?.stop();
      },
    };
  } catch (error) {
    await Promise.all([admin.close(), store.close()]);
    await engine?.stop();
    throw error;
  }
}

async function spaceOfFolder(folder: string): Promise<{ usedBytes: number; freeBytes: number }> {
  const { bsize, blocks, bfree, bavail } = await statfs(folder);
  return { usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize };
}

async function spaceOfServer(store: Store): Promise<{ usedBytes: number; freeBytes: number }> {
  const [disks] = await store.read(diskSpace, {});
  return { usedBytes: (disks?.total ?? 0) - (disks?.free ?? 0), freeBytes: disks?.free ?? 0 };
}

function remoteAddress({ clickhouseUrl, clickhouseUser, clickhousePassword }: StorageOptions): () => StoreAddress {
  const address = { url: clickhouseUrl as string, username: clickhouseUser, password: clickhousePassword };
  return () => address;
}

async function openEmbedded(options: StorageOptions): Promise<EmbeddedEngine> {
  const { dataFolder } = options;
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
    if (!statSync(dataFolder).isDirectory()) throw new Error("it is not a folder");
    accessSync(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`data folder ${dataFolder} cannot be used: ${reason}. Choose a writable folder with --data.`, { cause: error });
  }
  return await startEmbeddedEngine({
    dataFolder,
    memoryBytesMax: options.engineMemoryBytesMax,
    onCrash: options.onEngineCrash,
  });
}
