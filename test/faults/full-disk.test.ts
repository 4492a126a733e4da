// The server's disk is full, has room again, is full when the server is SIGKILLed and started: nothing acknowledged is lost, and
// with room everything goes on. A server that cannot start says so in one line. Needs a small disk: root, who may mount one.

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { startServer, type ServerProcess } from "../processes/server-process.ts";
import { seededRandom } from "../seeded-random.ts";
import { committedBatches, committedMore } from "./kill-rounds.ts";
import { startProducers, wrongIn } from "./producers.ts";
import { faultSeed } from "./stored-through-kills.ts";

const ROUNDS = process.env["GRADWATCH_TEST_LONG"] === "1" ? 40 : 4;
/** Room for what some minutes of logging and their merges take. */
const DISK_SIZE = "192m";
const FULL_MS = 2_000;

const opened: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

/** A disk of its own, or the reason why there is none. */
function smallDisk(): { readonly folder: string } | string {
  const folder = mkdtempSync(join(tmpdir(), "gradwatch-small-"));
  opened.push(() => rmSync(folder, { recursive: true, force: true }));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_SIZE}`, "gradwatch-test", folder], { stdio: "pipe" });
  } catch (error) {
    return `no small disk can be mounted here: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`;
  }
  opened.push(() => void execFileSync("umount", ["-l", folder]));
  return { folder };
}

/** Takes all room, also what becomes free meanwhile, for so long; then gives it back. */
async function fillFor(folder: string, ms: number): Promise<void> {
  const path = join(folder, "filler");
  const file = openSync(path, "w");
  const block = Buffer.alloc(1024 * 1024);
  try {
    for (const end = Date.now() + ms; Date.now() < end; await delay(50)) {
      for (let size = block.length; size >= 512;) {
        try {
          if (writeSync(file, block, 0, size) < size) size /= 2;
        } catch {
          size /= 2;
        }
      }
    }
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

/** Undefined when it runs, else what it said. */
const tryRestart = (server: ServerProcess): Promise<string | undefined> =>
  server.restart().then(
    () => undefined,
    (error: Error) => error.message,
  );

test(`the server's disk full ${ROUNDS} times`, { timeout: 1_800_000 }, async (context) => {
  const disk = smallDisk();
  if (typeof disk === "string") context.skip(disk);
  const { folder } = disk as { folder: string };
  const seed = faultSeed(5);
  const random = seededRandom(seed);
  const dataFolder = join(folder, "data");
  mkdirSync(dataFolder);
  const server = await startServer({ dataFolder });
  opened.push(() => server.dispose());
  const producers = await startProducers({ url: server.grpc(), processes: 2, runsEach: 2, seed });
  opened.push(() => producers.dispose());

  for (let round = 0; round < ROUNDS; round++) {
    await committedMore(server, 0);
    await delay(300 * random.uniform());
    const full = fillFor(folder, FULL_MS);
    await delay(FULL_MS * random.uniform());
    if (round % 2 === 0) {
      await full;
      // The same server goes on: what it could not store, it tries again.
      await committedMore(server, await committedBatches(server));
      continue;
    }
    await server.kill();
    const said = await tryRestart(server);
    await full;
    if (said === undefined) continue;
    expect(said.trim().split("\n").at(-1)).toMatch(/^gradwatch: .*(space|room|disk)/i);
    await server.restart();
  }
  const logged = await producers.finish();
  await server.kill();
  const storage = await openDataFolder(dataFolder);
  try {
    expect(await wrongIn(storage.store, logged), `GRADWATCH_FAULT_SEED=${seed}`).toEqual([]);
  } finally {
    await storage.close();
  }
  expect(server.log()).toContain("storage is away");
});
