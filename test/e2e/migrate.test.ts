// `gradwatch migrate --to URL`, as a person runs it: what SDKs logged into an embedded server is at the other ClickHouse afterwards, value for value,
// and a server over that one goes on with it.

import { mkdtempSync, rmSync } from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { init } from "@gradwatch/sdk";
import type { RunPage, SeriesResponse } from "@gradwatch/server/api-types";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmbeddedEngine, startEmbeddedEngine } from "../../server/src/engine/embedded.ts";
import { gradwatch } from "../access/gradwatch-command.ts";
import { type ServerProcess, startServer } from "../processes/server-process.ts";

let from: ServerProcess;
let to: EmbeddedEngine;
const toFolder = mkdtempSync(join(tmpdir(), "gradwatch-migrate-"));
beforeAll(async () => {
  from = await startServer();
  to = await startEmbeddedEngine({
    dataFolder: toFolder,
    memoryBytesMax: 1024 ** 3,
    onCrash: (reason) => {
      throw new Error(`the engine ended: ${reason}`);
    },
  });
});
afterAll(async () => {
  await from.dispose();
  await to.stop();
  rmSync(toFolder, { recursive: true, force: true });
});

/** All that the API shows of both runs: points, tensors, images and what lists show. */
async function shown(server: ServerProcess): Promise<unknown> {
  const read = async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${server.http()}/api/v1${path}`, {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  };
  const runs = ["one", "two"].map((run) => ({ project: "moved", run }));
  const { series } = (await read("/series", { runs, metrics: ["loss", "acc"], maxBuckets: 10_000 })) as SeriesResponse;
  const list = (await read("/projects/moved/runs?columns=config.lr,summary.loss.last,summary.loss.nonfinite&sort=id")) as RunPage;
  return {
    series: series.map(({ run, metric, buckets }) => ({ run, metric, buckets })),
    runs: list.runs.map(({ run, cells }) => ({ run, cells })),
    images: await read("/projects/moved/runs/one/images"),
    alerts: ((await read("/alerts?project=moved")) as { incidents: { rule: string; state: string }[] }).incidents.map(
      ({ rule, state }) => ({
        rule,
        state,
      }),
    ),
  };
}

const environment = (): Record<string, string> => ({ GRADWATCH_CLICKHOUSE_PASSWORD: to.password });
const command = (): string[] => ["migrate", "--data", from.dataFolder, "--to", to.url(), "--to-user", to.username];

test("what an embedded server holds is moved, compared equal, and served from there", async () => {
  for (const id of ["one", "two"]) {
    const run = init({
      project: "moved",
      id,
      url: from.grpc(),
      config: { lr: id === "one" ? 0.1 : Number.POSITIVE_INFINITY },
      verbose: false,
    });
    for (let step = 0; step < 3_000; step++) {
      const loss = step % 997 === 3 ? Number.NaN : step === 5 ? Number.NEGATIVE_INFINITY : -0 + Math.sin(step) / 3;
      run.log({ loss, acc: -0 }, { step });
    }
    run.logTensor(
      "w",
      Float32Array.from({ length: 500 }, (_none, i) => (i === 7 ? Number.NaN : i - 250)),
      { step: 5, kind: "weight" },
    );
    run.logImage("filter", { width: 2, height: 2, data: Uint8Array.of(0, 80, 160, 255) }, { step: 5 });
    const report = await run.finish();
    expect(report).toMatchObject({ pending: 0, rejected: 0 });
  }
  await expect.poll(async () => JSON.stringify(await shown(from)), { timeout: 30_000, interval: 500 }).toContain("non-finite");
  const before = await shown(from);

  const whileRunning = await gradwatch(command(), { environment: environment() });
  expect(whileRunning).toMatchObject({ code: 1, stderr: expect.stringMatching(/in use by another server/) as string });
  await from.stop();

  // Killed somewhere in the middle, begun again.
  const main = fileURLToPath(new URL("../../server/src/main.ts", import.meta.url));
  const killed = spawn(process.execPath, ["--conditions=source", main, ...command()], { env: { ...process.env, ...environment() } });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  killed.kill("SIGKILL");

  const moved = await gradwatch([...command(), "--json"], { environment: environment() });
  expect(moved.stderr).toBe("");
  const { tables } = JSON.parse(moved.stdout) as { tables: { table: string; rows: number }[] };
  const rowsOf = (table: string): number | undefined => tables.find((one) => one.table === table)?.rows;
  expect({ runs: rowsOf("runs"), scalars: rowsOf("scalars"), tensors: rowsOf("tensors"), images: rowsOf("images") }).toEqual({
    runs: 2,
    scalars: 12_000,
    tensors: 2,
    images: 2,
  });
  expect(rowsOf("key_events")).toBeGreaterThan(0);

  const target = { CLICKHOUSE_URL: to.url(), GRADWATCH_CLICKHOUSE_USER: to.username, ...environment() };
  const served = await startServer({ environment: target });
  try {
    await expect.poll(async () => await shown(served), { timeout: 30_000, interval: 500 }).toEqual(before);
    const more = init({ project: "moved", id: "three", url: served.grpc(), verbose: false });
    more.log({ loss: 1 });
    expect(await more.finish()).toMatchObject({ pending: 0, acknowledged: expect.any(Number) as number });
  } finally {
    await served.dispose();
  }

  const again = await gradwatch(command(), { environment: environment() });
  expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/holds 1 runs that are not from here/) as string });
});
