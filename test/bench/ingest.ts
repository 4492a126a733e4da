// How much of the engine's own speed is left end to end: processes that call log() → gRPC → durable acknowledgement, with
// detection on, against a raw columnar insert of as many rows into the same table of the same engine with the same
// durability. Clients, server and engine share the machine's cores; the raw insert has them for itself. CPU is that of server and engine against
// that of the inserting process and its engine; memory is looked at ten times a second.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { scalarColumns } from "../../server/src/storage/scalar-rows.ts";
import { startServer } from "../processes/server-process.ts";
import { type Bench, measure, type Round } from "./bench.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { cpuSecondsOf, residentBytesOf } from "./process-usage.ts";

const ROUNDS = 5;
const PROCESSES = 2;
const RECORDS = 500_000;
const METRICS = 10;
/** Points of one round, 40 MB of batches a process: less than the SDK's memory for waiting points. */
const POINTS = PROCESSES * RECORDS * METRICS;
/** The fastest of 50 k to 1 M a block, when it was tried. */
const BLOCK_RECORDS = 25_000;

const execute = promisify(execFile);

export const ingestBench: Bench = {
  name: "ingest",
  about: "end-to-end rate of durable points against a raw columnar insert of the same rows",
  async run(progress) {
    const rounds: { value: Cost; baseline: Cost }[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      progress(`round ${round} of ${ROUNDS}, end to end`);
      const value = await endToEnd();
      progress(`round ${round} of ${ROUNDS}, raw insert`);
      const baseline = await rawInsert();
      rounds.push({ value, baseline });
    }
    const of = (key: keyof Cost): Round[] => rounds.map(({ value, baseline }) => ({ value: value[key], baseline: baseline[key] }));
    return [
      measure("durable points a second, end to end / raw insert", "points/s", of("pointsPerSecond"), "≥ 0.55"),
      measure("CPU of a million points, server and engine / raw insert", "s", of("cpuPerMillion"), "≤ 1.8"),
      measure("largest resident memory of server and engine", "MB", of("megabytes"), "≤ 1000 MB"),
    ];
  },
};

interface Cost {
  readonly pointsPerSecond: number;
  /** Seconds. */
  readonly cpuPerMillion: number;
  readonly megabytes: number;
}

/** Watches processes from now on. */
function watchUsage(pids: readonly number[]): () => Omit<Cost, "pointsPerSecond"> {
  const sum = (of: (pid: number) => number): number => pids.reduce((total, pid) => total + of(pid), 0);
  const before = sum(cpuSecondsOf);
  let largest = 0;
  const looking = setInterval(() => (largest = Math.max(largest, sum(residentBytesOf))), 100);
  return () => {
    clearInterval(looking);
    return { cpuPerMillion: (sum(cpuSecondsOf) - before) / (POINTS / 1e6), megabytes: largest / 1e6 };
  };
}

async function endToEnd(): Promise<Cost> {
  const server = await startServer();
  try {
    const used = watchUsage([server.pid(), server.enginePid()]);
    const script = fileURLToPath(new URL("./log-load.ts", import.meta.url));
    const loads = await Promise.all(
      Array.from({ length: PROCESSES }, async (_none, i) => {
        const args = ["--conditions=source", script, server.grpc(), `load-${i}`, String(RECORDS), String(METRICS)];
        const { stdout } = await execute(process.execPath, args, {
          env: { ...process.env, GRADWATCH_CAPTURE: "off", GRADWATCH_SPOOL: join(server.dataFolder, "spool") },
        });
        return JSON.parse(stdout) as { seconds: number; report: { acknowledged: number; dropped: object } };
      }),
    );
    const acknowledged = loads.reduce((sum, { report }) => sum + report.acknowledged, 0);
    if (acknowledged !== POINTS + PROCESSES)
      throw new Error(`${acknowledged} points were acknowledged where ${POINTS + PROCESSES} were logged`);
    return { pointsPerSecond: POINTS / Math.max(...loads.map(({ seconds }) => seconds)), ...used() };
  } finally {
    await server.stop();
    await server.dispose();
  }
}

async function rawInsert(): Promise<Cost> {
  const dataFolder = mkdtempSync(join(tmpdir(), "gradwatch-bench-"));
  const storage = await openDataFolder(dataFolder);
  try {
    const blocks = Array.from({ length: (PROCESSES * RECORDS) / BLOCK_RECORDS }, (_none, block) => scalarColumns(202_601, [chunk(block)]));
    const used = watchUsage([process.pid, storage.enginePid() as number]);
    const start = performance.now();
    for (const columns of blocks) await storage.store.insertColumns("scalars", BLOCK_RECORDS * METRICS, columns);
    return { pointsPerSecond: POINTS / ((performance.now() - start) / 1000), ...used() };
  } finally {
    await storage.close();
    rmSync(dataFolder, { recursive: true, force: true });
  }
}

function chunk(block: number): Parameters<typeof scalarColumns>[1][number] {
  const first = block * BLOCK_RECORDS;
  return {
    run: BigInt(1 + Math.floor(first / RECORDS)),
    rank: 0,
    ver: BigInt(1_000_000 + block),
    metrics: Array.from({ length: METRICS }, (_none, m) => BigInt(m + 1)),
    steps: Float64Array.from({ length: BLOCK_RECORDS }, (_none, i) => (first + i) % RECORDS),
    times: Float64Array.from({ length: BLOCK_RECORDS }, (_none, i) => 1_700_000_000_000 + first + i),
    values: Float64Array.from({ length: BLOCK_RECORDS * METRICS }, (_none, i) =>
      Math.fround(Math.sin(((first + i) % BLOCK_RECORDS) * (Math.floor(i / BLOCK_RECORDS) + 1))),
    ),
  };
}
