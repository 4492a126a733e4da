// The embedded engine's own process: opens the data folder, serves the HTTP front on a loopback port, and ends with
// the server that started it. A crash or a memory limit of the engine cannot take the server down, and the server's
// event loop never waits for the engine.

import { mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { drainPending } from "chdb";
import { createHttpFront } from "./http-front.ts";
import { openSessionPool } from "./sessions.ts";

/** What the server sends first. */
export interface EngineStart {
  readonly folder: string;
  readonly secret: string;
  readonly memoryBytesMax: number;
  /** Where backups are written to and read from. */
  readonly backupsFolder: string;
}

export type EngineReport = { readonly ready: { readonly port: number } } | { readonly failed: string };

/** Bound parameters travel in the address; ClickHouse's own default limit (http_max_uri_size). */
const urlBytesMax = 1024 * 1024;
const readerCount = 4;
const writerCount = 2;

function main({ folder, secret, memoryBytesMax, backupsFolder }: EngineStart): void {
  const incomingFolder = join(folder, "incoming");
  rmSync(incomingFolder, { recursive: true, force: true });
  mkdirSync(incomingFolder, { recursive: true, mode: 0o700 });
  const args = [
    `--max_server_memory_usage=${memoryBytesMax}`,
    `--mark_cache_size=${64 * 1024 * 1024}`,
    "--uncompressed_cache_size=0",
    "--background_pool_size=2",
    "--async_insert=0",
    `--backups.allowed_path=${backupsFolder}`,
  ];
  const database = join(folder, "db");
  const writers = openSessionPool(database, writerCount, args);
  const readers = openSessionPool(database, readerCount, args);
  const server = createServer({ maxHeaderSize: urlBytesMax }, createHttpFront({ secret, readers, writers, incomingFolder }));
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => report({ ready: { port: (server.address() as AddressInfo).port } }));

  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    server.close(async () => {
      await drainPending();
      writers.close();
      readers.close();
      process.exit(0);
    });
    server.closeIdleConnections();
    // A query that outlives its reader is not worth waiting for; what was acknowledged is on disk.
    setTimeout(() => process.exit(0), 5_000).unref();
  };
  process.on("message", (message) => {
    if (message === "end") end();
  });
  // The server is gone, and with it everybody who could hear an answer. Its successor waits for the folder: what still runs must
  // not hold it. What was acknowledged is on disk.
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
}

const report = (message: EngineReport): void => void process.send?.(message);

// Ctrl-C reaches the whole process group: the server decides when its engine ends.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.once("message", (start: EngineStart) => {
  try {
    main(start);
  } catch (error) {
    report({ failed: error instanceof Error ? error.message : String(error) });
    process.disconnect();
    process.exitCode = 1;
  }
});
