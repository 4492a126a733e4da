// A deleted run leaves the disk of a real server that is killed while it removes, and `gradwatch du` shows it.

import { init } from "@gradwatch/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { StorageUse } from "../../server/src/api/schema-storage.ts";
import { runKey } from "../../server/src/storage/keys.ts";
import { tableSizes } from "../../server/src/storage/queries/storage-use.ts";
import { gradwatch } from "../access/gradwatch-command.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { type ServerProcess, startServer } from "../processes/server-process.ts";

const project = "removal";
const points = 400_000;
const patience = { timeout: 60_000 };
const morePoints = {
  name: "more-points",
  sql: `INSERT INTO scalars (month, run, metric, step, value, ver) SELECT 202510, {run:UInt64}, 7, number, randCanonical(), 1 FROM numbers(${points})`,
  parameters: z.object({ run: z.bigint() }),
};

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

async function use(...flags: readonly string[]): Promise<StorageUse> {
  const { code, stdout, stderr } = await gradwatch(["du", "--url", server.http(), "--json", ...flags]);
  if (code !== 0) throw new Error(stderr);
  return StorageUse.parse(JSON.parse(stdout));
}
const sizeOf = ({ tables }: StorageUse, name: string): number => tables.find(({ table }) => table === name)?.bytes ?? 0;

test("deleted for longer than the grace period, it is removed though the server is killed meanwhile; the other run is whole", async () => {
  for (const id of ["doomed", "kept"]) {
    const run = init({ project, id, url: server.grpc(), verbose: false });
    run.log({ loss: 1 }, { step: 0 });
    await run.finish();
  }
  await server.stop();
  const storage = await openDataFolder(server.dataFolder);
  for (const id of ["doomed", "kept"]) await storage.store.change(morePoints, { run: runKey(project, id) });
  const longAgo = Date.now() - 8 * 86_400_000;
  const { store } = storage;
  await store.insertRows("tombstones", [{ run: runKey(project, "doomed").toString(), time_ms: longAgo, deleted: 1 }]);
  const [before] = await store.read(tableSizes, {});
  expect(before).toMatchObject({ table: "scalars", rows: 2 * points + 2 });
  await storage.close();

  await server.restart();
  await expect.poll(() => server.log(), patience).toContain("removing rows of deleted runs");
  await server.kill();
  await server.restart();
  await expect.poll(async () => (await use("--runs")).use.map(({ run }) => run), patience).toEqual(["kept"]);
  const after = await use();
  expect(sizeOf(after, "scalars")).toBeLessThan(0.6 * (before?.bytes ?? 0));
  expect(after.use).toMatchObject([{ project, run: null, deleted: false, kinds: { scalars: { rows: points + 1 } } }]);
  expect(after.freed).toMatchObject([{ reason: "deleted", runs: 1, lastAt: expect.any(Number) as number }]);
  expect(after.freed[0]?.rows).toBeGreaterThan(points);
  const estimated = after.use.reduce((sum, { kinds }) => sum + (kinds.scalars?.bytes ?? 0), 0);
  // A part that was emptied keeps some hundred bytes for a while.
  expect(Math.abs(estimated - sizeOf(after, "scalars"))).toBeLessThan(1_000);
});

test("for people it is a table that says what is exact and what is estimated", async () => {
  const { stdout } = await gradwatch(["du", "--url", server.http(), "--runs", "--project", project]);
  expect(stdout).toMatch(/^PROJECT +RUN +TOTAL +SCALARS +TENSORS/);
  expect(stdout).toMatch(/^removal +kept +[\d.]+ MiB/m);
  expect(stdout).toContain("Estimated:");
  expect(stdout).toMatch(/^scalars +[\d.]+ MiB +400001 /m);
  expect(stdout).toMatch(/Freed so far, deleted: about [\d.]+ MiB, \d+ rows of 1 runs\./);
});

test("a project that there is not takes nothing; a wrong parameter is named", async () => {
  expect((await use("--project", "nowhere")).use).toEqual([]);
  const response = await fetch(`${server.http()}/api/v1/storage?by=color`);
  expect(response.status).toBe(400);
  expect(await response.text()).toContain("by");
});
