// A server SIGKILLed between any two statements of its migrations, on an empty folder and on one of the first release: the next start
// goes on where it ended, and works. The moment is told by the tables that are there, not by a clock.

import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { init } from "@gradwatch/sdk";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { startEmbeddedEngine } from "../../server/src/engine/embedded.ts";
import { migrate, migrations } from "../../server/src/storage/migrate.ts";
import { defineQuery, Integer } from "../../server/src/storage/query.ts";
import { createStore } from "../../server/src/storage/store.ts";
import { exportFrom } from "../e2e/full-export.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { startServer, type ServerProcess } from "../processes/server-process.ts";

const EVERY_TABLE = process.env["GRADWATCH_TEST_LONG"] === "1";
const STARTING_MS_MAX = 60_000;

const applied = defineQuery({
  name: "applied",
  sql: "SELECT number FROM schema_migrations FINAL ORDER BY number",
  parameters: z.object({}),
  row: z.object({ number: Integer }),
});

let dataFolder: string | undefined;
let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.dispose();
  if (dataFolder !== undefined) rmSync(dataFolder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

/** A data folder as a server left it that knew the first migration only. */
async function firstRelease(folder: string): Promise<void> {
  const onCrash = (reason: string): void => {
    throw new Error(`the engine ended: ${reason}`);
  };
  const engine = await startEmbeddedEngine({ dataFolder: folder, memoryBytesMax: 1024 ** 3, onCrash });
  const address = { url: engine.url(), username: engine.username, password: engine.password };
  const limits = { readSecondsMax: 20, readRowsMax: 1_000, readBytesMax: 1e8 };
  const [admin, store] = ["default", "gradwatch"].map((database) => createStore({ address: () => address, database, ...limits }));
  await migrate(admin as never, store as never, "gradwatch", Date.now(), migrations.slice(0, 1));
  await Promise.all([admin?.close(), store?.close()]);
  await engine.stop();
}

/** As the engine keeps them: a file each. */
function tablesIn(folder: string): number {
  const metadata = join(folder, "engine/db/metadata/gradwatch");
  return existsSync(metadata) ? readdirSync(metadata).filter((name) => name.endsWith(".sql")).length : 0;
}

const kills = [
  ...[1, 7, 13].map((tables) => ["an empty folder", tables] as const),
  ...[15, 16].map((tables) => ["a folder of the first release", tables] as const),
];
const allKills = [
  ...Array.from({ length: 17 }, (_none, tables) => ["an empty folder", tables] as const),
  ...[14, 15, 16].map((tables) => ["a folder of the first release", tables] as const),
];

test.each(EVERY_TABLE ? allKills : kills)("on %s, when there are %i tables", async (of, tables) => {
  const folder = (dataFolder = mkdtempSync(join(tmpdir(), "gradwatch-migrating-")));
  if (of !== "an empty folder") await firstRelease(folder);
  const killed = new AbortController();
  const starting = startServer({ dataFolder: folder, kill: killed.signal }).catch(() => undefined);
  const deadline = Date.now() + STARTING_MS_MAX;
  while (tablesIn(folder) < tables && Date.now() < deadline) await delay(1);
  killed.abort();
  await starting;

  server = await startServer({ dataFolder: folder });
  const run = init({ project: "migrated", id: "works", url: server.grpc(), verbose: false });
  run.log({ loss: 0.5 }, { step: 0 });
  expect(await run.finish()).toMatchObject({ rejected: 0, pending: 0 });
  await server.kill();
  const storage = await openDataFolder(folder);
  try {
    expect(await storage.store.read(applied, {})).toEqual(migrations.map(({ number }) => ({ number })));
    expect((await exportFrom(storage.store, "migrated", "works")).points).toHaveLength(1);
  } finally {
    await storage.close();
  }
});
