// Retention on a real server, set by the command line: old rows go, the run and its summary stay.

import { init } from "@gradwatch/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { StorageUse } from "../../server/src/api/schema-storage.ts";
import { RunDetail } from "../../server/src/api/schema.ts";
import { gradwatch } from "../access/gradwatch-command.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { type ServerProcess, startServer } from "../processes/server-process.ts";

const project = "retention";
const patience = { timeout: 60_000 };
const receivedLongAgo = {
  name: "received-long-ago",
  sql: `ALTER TABLE scalars UPDATE received_day = toDate('2020-01-01') WHERE 1 SETTINGS mutations_sync = 1`,
  parameters: z.object({}),
};

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
  const run = init({ project, id: "r", url: server.grpc(), verbose: false });
  for (let step = 0; step < 100; step++) run.log({ loss: 100 - step }, { step });
  await run.finish();
});
afterAll(() => server.dispose());

const retention = (...given: readonly string[]) => gradwatch(["retention", project, "--url", server.http(), ...given]);

test("it is told and changed by the command line", async () => {
  expect((await retention()).stdout).toMatch(/^KIND +KEPT +CHANGED +BY KEY\nscalars +forever +- +-\n/);
  expect((await retention("--images", "30d", "--scalars", "90d")).stdout).toMatch(/\nscalars +90 days +20\d\d-.*\nimages +30 days/s);
  expect((await retention("--images", "forever")).stdout).toMatch(/\nscalars +90 days .*\nimages +forever/s);
  expect(await retention("--images", "soon")).toMatchObject({ code: 1, stderr: expect.stringContaining("30d, 365d") as string });
  expect(await retention("--images", "0d")).toMatchObject({ code: 1, stderr: expect.stringContaining("at least 1 day") as string });
});

test("rows that were received too long ago leave the disk; run and summary stay", async () => {
  await server.stop();
  const storage = await openDataFolder(server.dataFolder);
  await storage.store.change(receivedLongAgo, {});
  await storage.close();
  await server.restart();
  const { stdout: key } = await gradwatch([
    "keys",
    "create",
    "--url",
    server.http(),
    "--owner",
    "reader",
    "--scopes",
    "read",
    "--projects",
    project,
  ]);
  const get = async <Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> => {
    const response = await fetch(`${server.http()}/api/v1${path}`, { headers: { authorization: `Bearer ${key.trim()}` } });
    return schema.parse(await response.json());
  };
  const scalarsOf = async (): Promise<number> => (await get("/storage", StorageUse)).use[0]?.kinds.scalars?.rows ?? 0;
  await expect.poll(scalarsOf, patience).toBe(0);
  expect((await get("/storage", StorageUse)).freed).toMatchObject([{ reason: "expired", runs: 1, rows: 100 }]);
  expect(await get(`/projects/${project}/runs/r`, RunDetail)).toMatchObject({ state: "finished", stepMax: 99, summary: { loss: 1 } });
  expect(server.log()).toContain("removing rows that are kept no longer");

  const again = init({ project, id: "r", url: server.grpc(), verbose: false, resume: "must" });
  await expect.poll(() => again.log({ loss: 0.5 }) ?? scalarsOf(), patience).toBeGreaterThan(0);
  await again.finish();
  expect((await get(`/projects/${project}/runs/r`, RunDetail)).stepMax).toBeGreaterThanOrEqual(100);
});
