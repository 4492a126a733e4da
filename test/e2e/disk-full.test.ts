// A real server whose disk fills up: it warns, stops taking data and says why, and goes on by itself. Nothing is lost. Its data
// folder is on a small file system of its own.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { init } from "@gradwatch/sdk";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ServerState } from "../../server/src/api/schema-storage.ts";
import { RunDetail, SeriesResponse } from "../../server/src/api/schema.ts";
import { type ServerProcess, startServer } from "../processes/server-process.ts";

const sizeMiB = 400;
const folder = mkdtempSync(join(tmpdir(), "gradwatch-small-disk-"));
const ballast = join(folder, "ballast");
const patience = { timeout: 60_000 };
let refused: string | undefined;
let server: ServerProcess;

beforeAll(async () => {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m`, "tmpfs", folder], { stdio: "pipe" });
  } catch (error) {
    refused = `no small file system can be mounted here: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`;
    return;
  }
  server = await startServer({ dataFolder: join(folder, "data") });
});
beforeEach((context) => {
  if (refused !== undefined) context.skip(refused);
});
afterAll(async () => {
  await server?.dispose();
  // Lazily: an engine that was killed lets go of its files in a moment.
  if (refused === undefined) execFileSync("umount", ["-l", folder]);
  rmSync(folder, { recursive: true, force: true });
});

/** Until this share of it is in use. */
function fillTo(percent: number): void {
  rmSync(ballast, { force: true });
  const { bsize, blocks, bfree } = statfsSync(folder);
  writeFileSync(ballast, Buffer.alloc(Math.max(0, Math.round((blocks * percent) / 100 - (blocks - bfree)) * bsize), 1));
}

async function get(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${server.http()}${path}`);
  return { status: response.status, text: await response.text() };
}
const diskState = async (): Promise<string> => ServerState.parse(JSON.parse((await get("/api/v1/server")).text)).disk.state;

test("at 80 % it warns, at 95 % batches wait at the training process, and with room again they all arrive", async () => {
  const project = "full";
  const warnings: string[] = [];
  const heard = vi.spyOn(process.stderr, "write").mockImplementation((text) => warnings.push(String(text)) > 0);
  try {
    await expect.poll(diskState, patience).toBe("ok");
    const run = init({ project, id: "r", url: server.grpc() });
    run.log({ loss: 0 }, { step: 0 });
    const stored = async (): Promise<number> => {
      const response = await fetch(`${server.http()}/api/v1/series`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ runs: [{ project, run: "r" }], metrics: ["loss"] }),
      });
      if (response.status !== 200) return 0;
      const { series } = SeriesResponse.parse(await response.json());
      return series.flatMap(({ buckets }) => buckets.count).reduce((sum, count) => sum + count, 0);
    };
    await expect.poll(stored, patience).toBe(1);

    fillTo(88);
    await expect.poll(diskState, patience).toBe("low");
    expect(server.log()).toMatch(/the disk of embedded engine in .* is 8\d\.\d % full; from 95 % on no data is taken \(--disk-stop\)/);
    run.log({ loss: 1 }, { step: 1 });
    await expect.poll(stored, patience).toBe(2);

    fillTo(97);
    await expect.poll(diskState, patience).toBe("full");
    for (let step = 2; step < 500; step++) run.log({ loss: step }, { step });
    await expect
      .poll(() => warnings.join("\n"), patience)
      .toMatch(/the server is away \(the disk of .* is 9\d\.\d % full; .*\)\. Points wait/);
    expect(await stored()).toBe(2);
    const { status, text } = await get("/readyz");
    expect([status, text]).toEqual([200, expect.stringContaining("% full") as string]);
    const metrics = (await get("/metrics")).text;
    expect(metrics).toMatch(/^gradwatch_ingest_stopped 1$/m);
    expect(metrics).toMatch(/^gradwatch_disk_used_ratio 0\.9\d/m);
    // It is held back, not dead.
    expect(RunDetail.parse(JSON.parse((await get(`/api/v1/projects/${project}/runs/r`)).text)).state).toBe("running");

    rmSync(ballast);
    await run.finish();
    await expect.poll(stored, patience).toBe(500);
    expect(await diskState()).toBe("ok");
    expect(server.log()).toContain("has room again");
  } finally {
    heard.mockRestore();
  }
});
