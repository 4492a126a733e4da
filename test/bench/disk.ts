// What a point takes on disk once parts are merged, all columns together, by kind of values: the layout of a run that logs ten metrics a
// step, 100 steps a second with 5 ms of jitter. Against 8 bytes, a bare float64.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { metricKey } from "../../server/src/storage/keys.ts";
import { defineQuery, Integer } from "../../server/src/storage/query.ts";
import { scalarColumns } from "../../server/src/storage/scalar-rows.ts";
import type { Store } from "../../server/src/storage/store.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { seededRandom } from "../seeded-random.ts";
import { type Bench, measure } from "./bench.ts";

const METRICS = 10;
const STEPS = 200_000;
const STEPS_PER_BATCH = 2_000;
const STEP_MS = 10;
const JITTER_MS = 5;
const FLOAT64_BYTES = 8;

type Values = (step: number, metric: number, noise: () => number) => number;

const bfloat16 = (value: number): number => {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0] as number) & 0xffff0000;
  return new Float32Array(bits.buffer)[0] as number;
};
const falling = (step: number, noise: number): number => 2 * Math.exp(-step / 50_000) + 0.1 * noise;

const kinds: readonly { readonly name: string; readonly goal: string; readonly values: Values }[] = [
  { name: "float32 with noise", goal: "≤ 4.6 bytes", values: (step, _metric, noise) => Math.fround(falling(step, noise())) },
  {
    name: "accuracy of 4 decimals",
    goal: "≤ 3.2 bytes",
    values: (step, _metric, noise) => Math.round(1e4 * (1 - falling(step, noise()) / 3)) / 1e4,
  },
  { name: "smooth float64", goal: "≤ 8.0 bytes", values: (step, metric) => 1e-3 * (1 + Math.cos((Math.PI * step) / STEPS + metric)) },
  { name: "bfloat16 with noise", goal: "≤ 2.6 bytes", values: (step, _metric, noise) => bfloat16(falling(step, noise())) },
];

const partBytes = defineQuery({
  name: "part-bytes",
  sql: `SELECT sum(bytes_on_disk) AS bytes, sum(rows) AS rows FROM system.parts
    WHERE database = currentDatabase() AND table = 'scalars' AND active`,
  parameters: z.object({}),
  row: z.object({ bytes: Integer, rows: Integer }),
});

export const diskBench: Bench = {
  name: "disk",
  about: "bytes of a point on disk after merges",
  async run(progress) {
    const measures = [];
    for (const { name, goal, values } of kinds) {
      progress(name);
      const dataFolder = mkdtempSync(join(tmpdir(), "gradwatch-bench-"));
      const storage = await openDataFolder(dataFolder);
      try {
        await insert(storage.store, values);
        await storage.store.execute("OPTIMIZE TABLE scalars FINAL");
        const [found] = await storage.store.read(partBytes, {});
        if (found?.rows !== METRICS * STEPS) throw new Error(`${found?.rows} rows lie there where ${METRICS * STEPS} were written`);
        measures.push(measure(`${name} / float64`, "bytes", [{ value: found.bytes / found.rows, baseline: FLOAT64_BYTES }], goal));
      } finally {
        await storage.close();
        rmSync(dataFolder, { recursive: true, force: true });
      }
    }
    return measures;
  },
};

async function insert(store: Store, values: Values): Promise<void> {
  const random = seededRandom(3);
  const metrics = Array.from({ length: METRICS }, (_none, m) => metricKey(`metric_${m}`));
  for (let from = 0; from < STEPS; from += STEPS_PER_BATCH) {
    const steps = Float64Array.from({ length: STEPS_PER_BATCH }, (_none, i) => from + i);
    const times = steps.map((step) => 1_760_000_000_000 + step * STEP_MS + random.integer(JITTER_MS));
    const chunk = {
      run: 0x1234_5678_9abc_def0n,
      rank: 0,
      ver: 1_760_000_000_000_000n + BigInt(from * STEP_MS * 1_000),
      metrics,
      steps,
      times,
      values: Float64Array.from({ length: METRICS * STEPS_PER_BATCH }, (_none, i) =>
        values(from + (i % STEPS_PER_BATCH), Math.floor(i / STEPS_PER_BATCH), random.normal),
      ),
    };
    await store.insertColumns("scalars", METRICS * STEPS_PER_BATCH, scalarColumns(202_510, [chunk]));
  }
}
