// How fast a page of the runs table is, filtered and sorted, with 10 000 runs × 50 summary columns: against a raw scan in
// SQL of the very columns that the filter and the order look at, in the same run.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { readRunList } from "../../server/src/api/run-list.ts";
import { aggregates } from "../../server/src/filter/tree.ts";
import { metricKey } from "../../server/src/storage/keys.ts";
import { defineQuery } from "../../server/src/storage/query.ts";
import type { Store } from "../../server/src/storage/store.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { seededRandom } from "../seeded-random.ts";
import { type Bench, measure, type Round } from "./bench.ts";

const RUNS = 10_000;
const METRICS = 50;
const RUNS_PER_INSERT = 1_000;
const ROUNDS = 25;
const NOW_MS = 1_760_000_000_000;

const names = Array.from({ length: METRICS }, (_none, i) => `metric/${i}`);
const columns = names.map((name) => `summary."${name}".last`).join(", ");
const filter = 'config.lr < 0.05 and summary."metric/3".max > 0.3 and state = "finished"';
const sort = 'summary."metric/7".last desc';

const rawScan = defineQuery({
  name: "raw-scan",
  sql: `SELECT toString(run) AS run, summary_last[8] AS value FROM run_summaries
    WHERE config_numbers['lr'] < 0.05 AND summary_max[4] > 0.3 AND ended_state = 'finished' ORDER BY value DESC LIMIT 100`,
  parameters: z.object({}),
  row: z.object({ run: z.string(), value: z.number() }),
});

export const queryBench: Bench = {
  name: "query",
  about: "a page of 10 000 runs × 50 summary columns, filtered and sorted, against a raw SQL scan",
  async run(progress) {
    const dataFolder = mkdtempSync(join(tmpdir(), "gradwatch-bench-"));
    const storage = await openDataFolder(dataFolder);
    try {
      progress(`writing ${RUNS} runs`);
      await insertRuns(storage.store);
      const context = { store: storage.store, nowMs: NOW_MS, silenceMs: 60_000, tenant: ["*"], signal: new AbortController().signal };
      const raw = (): Promise<unknown[]> => storage.store.read(rawScan, {});
      const page = async (more: object): Promise<unknown[]> => (await readRunList({ filter, sort, limit: 100, ...more }, context)).runs;
      return [
        measure("page of whole runs / raw scan", "ms", await rounds(() => page({}), raw, progress), "≤ 100 ms"),
        measure("page with 50 summary columns / raw scan", "ms", await rounds(() => page({ columns }), raw, progress), "≤ 100 ms"),
      ];
    } finally {
      await storage.close();
      rmSync(dataFolder, { recursive: true, force: true });
    }
  },
};

async function rounds(
  value: () => Promise<unknown[]>,
  baseline: () => Promise<unknown[]>,
  progress: (text: string) => void,
): Promise<Round[]> {
  const timed = async (read: () => Promise<unknown[]>): Promise<number> => {
    const start = performance.now();
    const rows = await read();
    if (rows.length !== 100) throw new Error(`a page has ${rows.length} runs where 100 were asked for`);
    return performance.now() - start;
  };
  const all: Round[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    progress(`round ${round} of ${ROUNDS}`);
    all.push({ value: await timed(value), baseline: await timed(baseline) });
  }
  // The first warms caches.
  return all.slice(1);
}

async function insertRuns(store: Store): Promise<void> {
  const random = seededRandom(1);
  const columnOf = (): number[] => names.map(() => random.uniform());
  for (let first = 0; first < RUNS; first += RUNS_PER_INSERT) {
    const rows = Array.from({ length: RUNS_PER_INSERT }, (_none, i) => ({
      run: (BigInt(first + i) * 1_844_674_407_370n).toString(),
      as_of_ms: NOW_MS,
      project: "bench",
      id: `run-${first + i}`,
      created_ms: NOW_MS - random.integer(1e9),
      name: `run ${first + i}`,
      tags: random.uniform() < 0.2 ? ["prod"] : [],
      ended_state: random.uniform() < 0.9 ? "finished" : "failed",
      ended_ms: NOW_MS,
      last_sign_ms: NOW_MS,
      ranks: 1,
      step_max: 1_000,
      config: JSON.stringify({ lr: 0.1, optimizer: "adam" }),
      set_summary: "{}",
      config_numbers: { lr: random.uniform() / 10, depth: random.integer(10) },
      config_texts: { optimizer: random.uniform() < 0.5 ? "adam" : "sgd" },
      metrics: names.map((name) => metricKey(name).toString()),
      metric_names: names,
      ...Object.fromEntries(aggregates.map((aggregate) => [`summary_${aggregate}`, columnOf()])),
    }));
    await store.insertRows("run_summaries", rows);
    const beats = rows.map(({ run }) => ({ run, rank: 0, time_ms: NOW_MS, step: 1_000 }));
    await store.insertRows("heartbeats", beats);
  }
}
