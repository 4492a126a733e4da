// Data and spools of the first schema (test/golden), in the hands of today's server, SDK and commands: all that was stored is served, what waited is sent,
// and runs go on.

import { execFileSync, execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { init } from "@gradwatch/sdk";
import type { RunPage } from "@gradwatch/server/api-types";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerProcess, startServer } from "../processes/server-process.ts";
import { bitsOf, type ExportedPoint, exportRun } from "./full-export.ts";

const golden = (name: string): string => fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
const syncCommand = fileURLToPath(new URL("../../sdk/typescript/src/sync-command.ts", import.meta.url));
const execute = promisify(execFile);
const STEPS = 300;

const folder = mkdtempSync(join(tmpdir(), "gradwatch-upgrade-"));
let server: ServerProcess;
beforeAll(async () => {
  for (const name of ["first-schema-data.tgz", "first-schema-spool.tgz"]) execFileSync("tar", ["xzf", golden(name), "-C", folder]);
  server = await startServer({ dataFolder: join(folder, "data") });
});
afterAll(async () => {
  await server.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const read = async (path: string): Promise<unknown> => await (await fetch(`${server.http()}/api/v1/projects/golden/runs${path}`)).json();

const logged: ExportedPoint[] = [
  ...Array.from({ length: STEPS }, (_none, step) => ({
    metric: "loss",
    step,
    bits: bitsOf(step % 101 === 7 ? Number.NaN : Math.fround(Math.sin(step))),
  })),
  ...Array.from({ length: STEPS }, (_none, step) => ({ metric: "val/acc", step, bits: bitsOf(-0) })),
];

test("a data folder and a spool of the first schema are served, sent and gone on with", async () => {
  await execute(process.execPath, ["--conditions=source", syncCommand, join(folder, "spool"), "--url", server.grpc()]);
  expect(readdirSync(join(folder, "spool"))).toEqual([]);
  const resumed = init({ project: "golden", id: "stored", resume: "must", url: server.grpc(), verbose: false });
  resumed.log({ after: 1 });
  expect(await resumed.finish()).toMatchObject({ pending: 0, rejected: 0 });

  const list = async (): Promise<unknown> =>
    ((await read("?columns=id,config.lr,summary.loss.nonfinite,note&sort=id")) as RunPage).runs.map(({ cells }) => cells);
  await expect.poll(list, { timeout: 30_000 }).toEqual([
    ["spooled", 0.75, 3, null],
    ["stored", 0.25, 3, "of the first schema"],
  ]);
  for (const id of ["stored", "spooled"]) {
    const { tensors } = (await read(`/${id}/tensors`)) as { tensors: { name: string; kind: string }[] };
    expect(tensors.map(({ name, kind }) => ({ name, kind }))).toEqual([{ name: "dense/kernel", kind: "weight" }]);
    expect(JSON.stringify(await read(`/${id}/images`))).toContain('"filter"');
  }

  await server.stop();
  for (const id of ["stored", "spooled"]) {
    const { points, tensors } = await exportRun(server.dataFolder, "golden", id);
    expect(points.filter(({ metric }) => metric === "loss" || metric === "val/acc")).toEqual(logged);
    expect(tensors).toEqual([{ name: "dense/kernel", step: 9, elements: 4 }]);
  }
});
