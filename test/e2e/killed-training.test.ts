// Training processes SIGKILLed at random moments, with the server there, away, and killed at the same time: what was logged
// before the last flush interval is in the store, once, and nothing else is.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SeriesResponse } from "../../server/src/api/schema.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../seeded-random.ts";
import { startServer, type ServerProcess } from "../processes/server-process.ts";

const execute = promisify(execFile);
const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const ROUNDS = process.env["GRADWATCH_TEST_LONG"] === "1" ? 100 : 6;
/** The flush interval, and a turn of the event loop. */
const LAST_MS = 300;

let server: ServerProcess;
let spool: string;
beforeAll(async () => {
  server = await startServer();
  spool = mkdtempSync(join(tmpdir(), "gradwatch-killed-"));
});
afterAll(async () => {
  await server.dispose();
  rmSync(spool, { recursive: true, force: true });
});

interface Told {
  readonly step: number;
  readonly atMs: number;
}

/** Logs until it is killed, after `afterMs` of logging. */
async function trainAndKill(id: string, address: string, afterMs: number, together: () => Promise<void>): Promise<Told[]> {
  const child = spawn(process.execPath, ["--conditions=source", pathOf("./log-steadily.ts"), address, id], {
    env: { ...process.env, GRADWATCH_SPOOL: spool },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const closed = once(child, "close");
  await once(child.stdout, "data");
  await setTimeout(afterMs);
  child.kill("SIGKILL");
  await together();
  await closed;
  return printed
    .split("\n")
    .filter((line) => /^\d+ \d+$/.test(line))
    .map((line) => {
      const [step, atMs] = line.split(" ").map(Number) as [number, number];
      return { step, atMs };
    });
}

async function stored(id: string): Promise<Map<number, number>> {
  const response = await fetch(`${server.http()}/api/v1/series`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ runs: [{ project: "killed", run: id }], metrics: ["loss"], maxBuckets: 10_000 }),
  });
  const { series } = SeriesResponse.parse(await response.json());
  const { step = [], last = [], count = [] } = series[0]?.buckets ?? {};
  expect(count.every((points) => points === 1)).toBe(true);
  return new Map(step.map((at, i) => [at, last[i] as number]));
}

test.each(Array.from({ length: ROUNDS }, (_none, round) => round))("round %i", async (round) => {
  const random = seededRandom(round + 1);
  const id = `round-${round}`;
  const company = ["server there", "server away", "server killed as well"][round % 3];
  const address = company === "server away" ? "127.0.0.1:9" : server.grpc();
  const told = await trainAndKill(id, address, 50 + 1_200 * random.uniform(), async () => {
    if (company === "server killed as well") await server.kill();
  });
  if (company === "server killed as well") await server.restart();
  await execute(process.execPath, [
    "--conditions=source",
    pathOf("../../sdk/typescript/src/sync-command.ts"),
    spool,
    "--url",
    server.grpc(),
  ]);

  const lastMs = told.at(-1)?.atMs ?? 0;
  const sure = told.filter(({ atMs }) => atMs <= lastMs - LAST_MS);
  if (sure.length === 0) return;
  const points = await stored(id);
  expect(sure.filter(({ step }) => points.get(step) !== step / 7)).toEqual([]);
  // The last line may not have been told.
  expect([...points].filter(([step, value]) => step > told.length || value !== step / 7)).toEqual([]);
});
