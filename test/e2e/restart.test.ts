// What must outlive a process: alerts and the state of rules over a restart of the server; and what must not: an engine
// whose server is gone.

import { setTimeout as delay } from "node:timers/promises";
import { init, type Alert, type Run } from "@gradwatch/sdk";
import type { IncidentPage, RunDetail } from "@gradwatch/server/api-types";
import { afterEach, describe, expect, test } from "vitest";
import { startServer, type ServerProcess } from "../processes/server-process.ts";
import { seededRandom } from "../seeded-random.ts";

const servers: ServerProcess[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.dispose())));

async function start(): Promise<ServerProcess> {
  const server = await startServer();
  servers.push(server);
  return server;
}

const patience = { timeout: 20_000, interval: 100 };
const openRun = (server: ServerProcess, id: string): Run => init({ project: "restart", id, url: server.grpc(), verbose: false });

async function alertsOf(server: ServerProcess, run: string): Promise<IncidentPage["incidents"]> {
  const response = await fetch(`${server.http()}/api/v1/alerts?project=restart&run=${run}`);
  return ((await response.json()) as IncidentPage).incidents;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("over a restart of the server", () => {
  test.each(["stop", "kill"] as const)("(%s) an alert stays one alert, and ends when the trouble does", async (how) => {
    const server = await start();
    const run = openRun(server, how);
    const pushed: Alert[] = [];
    run.onAlert((alert) => void pushed.push(alert));
    run.log({ loss: 1 });
    run.log({ loss: Number.NaN });
    await expect.poll(async () => (await alertsOf(server, how)).map(({ state }) => state), patience).toEqual(["firing"]);
    const [before] = await alertsOf(server, how);
    // A snapshot every two seconds; what is younger is replayed from storage.
    if (how === "kill") await delay(500);
    await server[how]();
    await server.restart();
    for (let i = 0; i < 3; i++) run.log({ loss: Number.NaN });
    for (let i = 0; i < 20; i++) run.log({ loss: 1 });
    await run.finish();
    await expect.poll(async () => (await alertsOf(server, how)).map(({ state }) => state), patience).toEqual(["resolved"]);
    const [after] = await alertsOf(server, how);
    expect(after).toMatchObject({ id: before?.id, onsetStep: 1, firingStep: 1, openings: 1 });
    expect(pushed.map(({ state }) => state)).toEqual(["firing", "resolved"]);
  });

  test("a rule goes on with what it knew: an explosion after the restart is judged by the norms before it", async () => {
    const server = await start();
    const run = openRun(server, "norms");
    const random = seededRandom(1);
    const logSteps = (count: number, loss: (i: number) => number, norm: (i: number) => number): void => {
      for (let i = 0; i < count; i++) run.log({ loss: loss(i), grad_norm: norm(i) });
    };
    logSteps(
      100,
      (i) => 2 * Math.exp(-i / 50),
      () => 1 + 0.3 * random.uniform(),
    );
    await expect
      .poll(
        async () => ((await (await fetch(`${server.http()}/api/v1/projects/restart/runs/norms`)).json()) as RunDetail).stepMax,
        patience,
      )
      .toBe(99);
    await server.stop();
    await server.restart();
    // Fewer than a fresh rule would need to know a range.
    logSteps(
      6,
      (i) => 3 + i,
      (i) => 100 * 10 ** i,
    );
    await run.finish();
    await expect.poll(async () => (await alertsOf(server, "norms")).map(({ rule }) => rule), patience).toEqual(["exploding-gradient"]);
    expect((await alertsOf(server, "norms"))[0]).toMatchObject({ onsetStep: 100, firingStep: 102 });
  });
});

describe("the embedded engine", () => {
  test("ends with its server, even when that is SIGKILLed alone", async () => {
    const server = await start();
    const engine = server.enginePid();
    expect(isAlive(engine)).toBe(true);
    process.kill(server.pid(), "SIGKILL");
    await expect.poll(() => isAlive(engine), patience).toBe(false);
  });

  test("is not an open database: other local processes are refused without the secret", async () => {
    const server = await start();
    const log = server.log();
    expect(log).not.toMatch(/password|secret/i);
    const ports = await listeningPorts(server.enginePid());
    expect(ports.length).toBe(1);
    for (const headers of [{}, { authorization: `Basic ${btoa("gradwatch:guess")}` }, { "x-clickhouse-user": "default" }]) {
      const response = await fetch(`http://127.0.0.1:${ports[0]}/?query=SELECT+1`, { headers: headers as Record<string, string> });
      expect([401, 403, 516]).toContain(response.status);
    }
  });
});

/** From /proc: the loopback ports that a process listens on. */
async function listeningPorts(pid: number): Promise<number[]> {
  const { readdirSync, readlinkSync, readFileSync } = await import("node:fs");
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  return readFileSync(`/proc/${pid}/net/tcp`, "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && inodes.has(fields[9] ?? ""))
    .map((fields) => Number.parseInt((fields[1] ?? ":0").split(":")[1] ?? "0", 16));
}
