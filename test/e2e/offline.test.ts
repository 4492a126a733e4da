// What was logged without a server, sent later: by one machine, twice, or by two copies at once. The store ends up with every
// point once, bit for bit.

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startServer, type ServerProcess } from "../processes/server-process.ts";
import { expectedPoints, expectedTensors } from "./expected-points.ts";
import { exportRun, type FullExport } from "./full-export.ts";

const execute = promisify(execFile);
const logPoints = fileURLToPath(new URL("./log-points.ts", import.meta.url));
const syncCommand = fileURLToPath(new URL("../../sdk/typescript/src/sync-command.ts", import.meta.url));
const STEPS = 4_000;

let folder: string;
let server: ServerProcess;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gradwatch-offline-"));
  server = await startServer();
});
afterEach(async () => {
  await server.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function trainOffline(seed: number): Promise<string> {
  const spool = join(folder, `spool-${seed}`);
  const env = { ...process.env, GRADWATCH_SPOOL: spool, GRADWATCH_MODE: "offline" };
  const { stdout } = await execute(
    process.execPath,
    ["--conditions=source", logPoints, "127.0.0.1:9", "offline", String(seed), String(STEPS), "20", "0"],
    { env },
  );
  const report = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { logged: number; spooled: number };
  expect(report.spooled).toBe(report.logged);
  return spool;
}

const sync = (spool: string): Promise<unknown> =>
  execute(process.execPath, ["--conditions=source", syncCommand, spool, "--url", server.grpc()]);

async function stored(): Promise<FullExport> {
  await server.stop();
  return await exportRun(server.dataFolder, "e2e", "offline");
}

const everyPointOnce = (seed: number): FullExport => ({
  points: expectedPoints(seed, STEPS),
  tensors: expectedTensors(STEPS),
  outcomes: ["RUN_OUTCOME_FINISHED"],
});

test("sent once", async () => {
  const spool = await trainOffline(1);
  await sync(spool);
  expect(readdirSync(spool)).toEqual([]);
  expect(await stored()).toEqual(everyPointOnce(1));
});

test("sent again from a copy, as after a restored backup", async () => {
  const spool = await trainOffline(2);
  const copy = join(folder, "copy");
  cpSync(spool, copy, { recursive: true });
  await sync(spool);
  await sync(copy);
  expect(await stored()).toEqual(everyPointOnce(2));
});

test("sent by two at once", async () => {
  const spool = await trainOffline(3);
  const copy = join(folder, "copy");
  cpSync(spool, copy, { recursive: true });
  await Promise.all([sync(spool), sync(copy)]);
  expect(await stored()).toEqual(everyPointOnce(3));
});
