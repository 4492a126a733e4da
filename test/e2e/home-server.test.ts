// Several servers over one ClickHouse: the ranks of a run meet at one of them, go to another when that one goes, and nothing they log is lost or
// counted twice on the way.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { init, type Run } from "@gradwatch/sdk";
import type { SeriesResponse } from "@gradwatch/server/api-types";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type EmbeddedEngine, startEmbeddedEngine } from "../../server/src/engine/embedded.ts";
import { type ServerProcess, startServer } from "../processes/server-process.ts";

let dataFolder: string;
let engine: EmbeddedEngine;
let servers: ServerProcess[];
let runs: Run[] = [];
beforeEach(async () => {
  dataFolder = mkdtempSync(join(tmpdir(), "gradwatch-home-"));
  engine = await startEmbeddedEngine({ dataFolder, memoryBytesMax: 1024 ** 3, onCrash: () => undefined });
  // One after the other: the first makes the tables.
  servers = [await oneOfSeveral(), await oneOfSeveral()];
});
afterEach(async () => {
  await Promise.all(runs.map((run) => run.finish(0, { timeoutMs: 1_000 })));
  runs = [];
  await Promise.all(servers.map((server) => server.dispose()));
  await engine.stop();
  rmSync(dataFolder, { recursive: true, force: true });
});

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });

async function oneOfSeveral(): Promise<ServerProcess> {
  const port = await freePort();
  return await startServer({
    flags: ["--grpc-port", String(port), "--advertise", `127.0.0.1:${port}`],
    environment: {
      CLICKHOUSE_URL: engine.url(),
      GRADWATCH_CLICKHOUSE_USER: engine.username,
      GRADWATCH_CLICKHOUSE_PASSWORD: engine.password,
    },
  });
}

function open(id: string, rank: number, server: ServerProcess): Run {
  const run = init({ project: "homes", id, rank, worldSize: 6, url: server.grpc(), verbose: false });
  runs.push(run);
  return run;
}

/** How many of its processes a server reaches. */
async function reached(server: ServerProcess, id: string): Promise<number> {
  const response = await fetch(`${server.http()}/api/v1/projects/homes/runs/${id}/flight-recorder`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ steps: 1, reason: "a test" }),
  });
  return response.ok ? ((await response.json()) as { processes: number }).processes : 0;
}

async function stored(server: ServerProcess, id: string): Promise<number[]> {
  const response = await fetch(`${server.http()}/api/v1/series`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ runs: [{ project: "homes", run: id }], metrics: ["loss"], maxBuckets: 10_000 }),
  });
  const { series } = (await response.json()) as SeriesResponse;
  return series.map(({ buckets }) => buckets.count.reduce((sum, count) => sum + count, 0));
}

test("ranks that open a run at different servers at once meet at one of them", async () => {
  const [a, b] = servers as [ServerProcess, ServerProcess];
  const ranks = Array.from({ length: 6 }, (_none, rank) => open("met", rank, rank % 2 === 0 ? a : b));
  for (const run of ranks) run.log({ loss: 1 }, { step: 0 });
  await expect
    .poll(async () => (await Promise.all([reached(a, "met"), reached(b, "met")])).toSorted((x, y) => x - y), { timeout: 30_000 })
    .toEqual([0, 6]);
  await expect.poll(() => stored(a, "met"), { timeout: 30_000 }).toEqual([1, 1, 1, 1, 1, 1]);
});

test("servers are killed, stopped and started again under live runs: nothing is lost, and ranks meet again", async () => {
  const [a, b] = servers as [ServerProcess, ServerProcess];
  open("moved", 0, a).log({ loss: 0 }, { step: 0 });
  await expect.poll(() => reached(a, "moved"), { timeout: 30_000 }).toBe(1);
  // They ask b, which sends them to a.
  const ranks = [1, 2, 3].map((rank) => open("moved", rank, b));
  let step = 1;
  const logging = setInterval(() => {
    for (const run of ranks) run.log({ loss: step }, { step });
    step += 1;
  }, 5);
  try {
    await expect.poll(() => reached(a, "moved"), { timeout: 30_000 }).toBe(4);
    await a.kill();
    await expect.poll(() => reached(b, "moved"), { timeout: 60_000 }).toBe(3);
    await a.restart();
    await b.stop();
    await b.restart();
    await expect
      .poll(async () => Math.max(await reached(a, "moved"), await reached(b, "moved")), { timeout: 60_000 })
      .toBeGreaterThanOrEqual(3);
  } finally {
    clearInterval(logging);
  }
  const reports = await Promise.all(runs.map((run) => run.finish(0, { timeoutMs: 60_000 })));
  runs = [];
  expect(reports.map(({ pending, rejected, dropped }) => ({ pending, rejected, dropped }))).toEqual(
    reports.map(() => ({ pending: 0, rejected: 0, dropped: {} })),
  );
  expect(await stored(b, "moved")).toEqual([1, step - 1, step - 1, step - 1]);
});
