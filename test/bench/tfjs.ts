// What watching costs a training with TensorFlow.js: the time of a step of `model.fit` with the callback as it comes, over the same without, in turn, in
// one process. A server that only acknowledges takes what is sent, so that its work is not counted as training's.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startAckServer } from "../processes/ack-server.ts";
import { type Bench, measure, type Measure, type Round } from "./bench.ts";

const execute = promisify(execFile);
const script = fileURLToPath(new URL("./train-watched.ts", import.meta.url));
const ROUNDS = 31;
const NETS = ["dense", "cnn", "lstm"] as const;

/** Of a step. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

export const tfjsBench: Bench = {
  name: "tfjs",
  about: "what watching costs a training step of TensorFlow.js",
  async run(progress) {
    const server = await startAckServer();
    const spools = mkdtempSync(join(tmpdir(), "gradwatch-bench-"));
    const measures: Measure[] = [];
    try {
      for (const backend of ["cpu", ...(hasBinding() ? ["tensorflow"] : [])]) {
        for (const net of NETS) {
          progress(`${net} on ${backend}, ${ROUNDS} pairs`);
          const { stdout } = await execute(
            process.execPath,
            ["--conditions=source", script, net, backend, server.address, String(ROUNDS)],
            {
              env: { ...process.env, GRADWATCH_SPOOL: join(spools, "spool"), TF_CPP_MIN_LOG_LEVEL: "2" },
            },
          );
          const { pairs } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { pairs: { watched: Cost; alone: Cost }[] };
          const rounds = (of: keyof Cost): Round[] => pairs.map(({ watched, alone }) => ({ value: watched[of], baseline: alone[of] }));
          measures.push(
            measure(`a step of the ${net} net on ${backend}, watched / alone`, "ms", rounds("wall"), "≤ 1.05"),
            measure("the same, CPU of the process", "ms", rounds("cpu"), null),
          );
        }
      }
      return measures;
    } finally {
      server.close();
      rmSync(spools, { recursive: true, force: true });
    }
  },
};

/** Whether `npm run tfjs-node` has made tfjs-node's native library. */
function hasBinding(): boolean {
  try {
    return import.meta.resolve("@tensorflow/tfjs-node") !== "";
  } catch {
    return false;
  }
}
