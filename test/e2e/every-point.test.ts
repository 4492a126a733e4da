// The main promise, on real parts: a training process logs through the SDK over gRPC into a real server; the store ends up with
// every point exactly once, bit for bit. Servers that are killed, broken connections and refusing engines: test/faults.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { startServer, type ServerProcess } from "../processes/server-process.ts";
import { expectedPoints, expectedTensors } from "./expected-points.ts";
import { exportRun } from "./full-export.ts";

const script = fileURLToPath(new URL("./log-points.ts", import.meta.url));

interface Training {
  readonly child: ChildProcess;
  /** Resolves when the process has logged that step. */
  reached(step: number): Promise<void>;
  /** The finish report; throws when the process failed. */
  finished(): Promise<Record<string, unknown>>;
}

function train(server: ServerProcess, run: string, seed: number, steps: number, pauseMs: number, stepFrom = 0): Training {
  const args = [server.grpc(), run, seed, steps, pauseMs, stepFrom].map(String);
  const child = spawn(process.execPath, ["--conditions=source", script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  let last = "";
  let step = -1;
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    last = line;
    if (line.startsWith("step ")) step = Number(line.slice(5));
  });
  const exit = once(child, "exit");
  return {
    child,
    async reached(wanted) {
      while (step < wanted) {
        if (child.exitCode !== null) throw new Error(`training ended at step ${step}: ${stderr}`);
        await delay(5);
      }
    },
    async finished() {
      const [code] = await exit;
      if (code !== 0) throw new Error(`training ended with ${code}: ${stderr}`);
      return JSON.parse(last) as Record<string, unknown>;
    },
  };
}

describe("every logged point is stored once, bit for bit", () => {
  const servers: ServerProcess[] = [];
  const start = async (...given: Parameters<typeof startServer>): Promise<ServerProcess> => {
    const server = await startServer(...given);
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.dispose()));
  });

  test("when nothing goes wrong", async () => {
    const server = await start();
    const report = await train(server, "calm", 1, 2_000, 1).finished();
    expect(report).toMatchObject({ rejected: 0, dropped: {}, pending: 0 });
    expect(report["acknowledged"]).toBe(report["logged"]);
    await server.stop();
    const stored = await exportRun(server.dataFolder, "e2e", "calm");
    expect(stored.points).toEqual(expectedPoints(1, 2_000));
    expect(stored.tensors).toEqual(expectedTensors(2_000));
    expect(stored.outcomes).toEqual(["RUN_OUTCOME_FINISHED"]);
  });

  test("when the server is stopped and started again while a process logs", async () => {
    const server = await start();
    const training = train(server, "restarted", 7, 2_000, 12);
    await training.reached(700);
    await server.stop();
    await server.restart();
    const report = await training.finished();
    expect(report).toMatchObject({ rejected: 0, dropped: {}, pending: 0 });
    await server.stop();
    const stored = await exportRun(server.dataFolder, "e2e", "restarted");
    expect(stored.points).toEqual(expectedPoints(7, 2_000));
  });

  test("when the training process is SIGKILLed: everything but its last moments", async () => {
    const server = await start();
    const training = train(server, "vanished", 8, 100_000, 30);
    await training.reached(2_000);
    training.child.kill("SIGKILL");
    await delay(1_000);
    await server.stop();
    const stored = await exportRun(server.dataFolder, "e2e", "vanished");
    const last = stored.points.reduce((most, { step }) => Math.max(most, step), 0);
    expect(last).toBeGreaterThan(1_000);
    // What is there is a prefix without a hole, and right.
    expect(stored.points).toEqual(expectedPoints(8, last + 1));
    expect(stored.outcomes).toEqual([]);
  });

  test("when two processes log the same steps: the newest write wins", async () => {
    const server = await start();
    await train(server, "twice", 9, 300, 1).finished();
    await train(server, "twice", 10, 200, 1, 50).finished();
    await server.stop();
    const stored = await exportRun(server.dataFolder, "e2e", "twice");
    const newest = new Map(expectedPoints(9, 300).map((point) => [`${point.metric}:${point.step}`, point]));
    for (const point of expectedPoints(10, 200, 50)) newest.set(`${point.metric}:${point.step}`, point);
    const expected = [...newest.values()].sort((a, b) => (a.metric < b.metric ? -1 : a.metric > b.metric ? 1 : a.step - b.step));
    expect(stored.points).toEqual(expected);
  });
});
