// How fast tensor summaries with histograms of 160 buckets come in, end to end, against a raw columnar insert of as many rows.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { create } from "@bufbuild/protobuf";
import { TensorSummarySchema } from "@gradwatch/proto";
import { tensorColumns, type TensorRow } from "../../server/src/storage/tensor-rows.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { startServer } from "../processes/server-process.ts";
import { type Bench, measure, type Round } from "./bench.ts";
import { BUCKETS, TENSORS } from "./tensor-shape.ts";

const ROUNDS = 5;
const SUMMARIES = 100_000;
/** The fastest of 2 k to 20 k a block, when it was tried. */
const BLOCK_ROWS = 5_000;

const execute = promisify(execFile);

export const tensorsBench: Bench = {
  name: "tensors",
  about: "end-to-end rate of durable tensor summaries against a raw columnar insert",
  async run(progress) {
    const rounds: Round[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      progress(`round ${round} of ${ROUNDS}`);
      rounds.push({ value: await endToEnd(), baseline: await rawInsert() });
    }
    return [measure("tensor summaries a second, end to end / raw insert", "summaries/s", rounds, "≥ 0.4")];
  },
};

async function endToEnd(): Promise<number> {
  const server = await startServer();
  try {
    const script = fileURLToPath(new URL("./log-tensors.ts", import.meta.url));
    const { stdout } = await execute(process.execPath, ["--conditions=source", script, server.grpc(), "tensors", String(SUMMARIES)], {
      env: { ...process.env, GRADWATCH_CAPTURE: "off", GRADWATCH_SPOOL: join(server.dataFolder, "spool") },
    });
    const { report, seconds } = JSON.parse(stdout) as { seconds: number; report: { acknowledged: number } };
    if (report.acknowledged !== SUMMARIES + 1)
      throw new Error(`${report.acknowledged} were acknowledged where ${SUMMARIES + 1} were logged`);
    return SUMMARIES / seconds;
  } finally {
    await server.stop();
    await server.dispose();
  }
}

async function rawInsert(): Promise<number> {
  const dataFolder = mkdtempSync(join(tmpdir(), "gradwatch-bench-"));
  const storage = await openDataFolder(dataFolder);
  try {
    const summary = create(TensorSummarySchema, { count: 32_000n, min: -3, max: 3, sum: 1.5, sumSquares: 1e4, histogram: { scale: 3 } });
    const counts = Array.from({ length: BUCKETS / 2 }, (_none, i) => 1 + ((i * 17) % 400));
    const rowsOf = (from: number): TensorRow[] =>
      Array.from({ length: BLOCK_ROWS }, (_none, i) => ({
        run: 1n,
        rank: 0,
        ver: BigInt(1_000_000 + from),
        tensor: BigInt((from + i) % TENSORS),
        step: BigInt(Math.floor((from + i) / TENSORS)),
        timeMs: 1_700_000_000_000n,
        summary,
        positiveCounts: counts,
        negativeCounts: counts,
      }));
    const blocks = Array.from({ length: SUMMARIES / BLOCK_ROWS }, (_none, block) => tensorColumns(202_601, rowsOf(block * BLOCK_ROWS)));
    const start = performance.now();
    for (const columns of blocks) await storage.store.insertColumns("tensors", BLOCK_ROWS, columns);
    return SUMMARIES / ((performance.now() - start) / 1_000);
  } finally {
    await storage.close();
    rmSync(dataFolder, { recursive: true, force: true });
  }
}
