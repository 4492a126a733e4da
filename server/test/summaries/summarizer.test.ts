// How often the rows of the runs' list are made, and what a stop does to those that are being made.

import { afterAll, beforeAll, expect, test } from "vitest";
import { silenceMsDefault } from "../../src/api/deps.ts";
import { runKey } from "../../src/storage/keys.ts";
import type { Store } from "../../src/storage/store.ts";
import { createSummarizer, type Summarizer } from "../../src/summaries/summarizer.ts";
import { type ApiUnderTest, apiUnderTest, startMs } from "../api/api-under-test.ts";
import { insertRunSet } from "../filter/run-set.ts";

let under: ApiUnderTest;
let runs: bigint[];
beforeAll(async () => {
  under = await apiUnderTest();
  runs = [...(await insertRunSet(under.store, "set", 8, 1)).keys()].map((id) => runKey("set", id));
});
afterAll(() => under.close());

/** Over the real store; notes what is inserted. */
function summarizerOver(beforeRead = async (): Promise<void> => undefined): {
  summarizer: Summarizer;
  inserts: number[];
  failures: unknown[];
} {
  const [inserts, failures]: [number[], unknown[]] = [[], []];
  const store: Store = {
    ...under.store,
    async read(query, parameters, options) {
      await beforeRead();
      return await under.store.read(query, parameters, options);
    },
    async insertRows(table, rows) {
      inserts.push(rows.length);
      await under.store.insertRows(table, rows);
    },
  };
  const failed = (_what: string, error: unknown): void => void failures.push(error);
  return { summarizer: createSummarizer({ store, nowMs: () => startMs, silenceMs: silenceMsDefault, failed }), inserts, failures };
}

test("256 ranks that open runs together make each run's row once", async () => {
  const { summarizer, inserts, failures } = summarizerOver();
  await Promise.all(Array.from({ length: 256 }, async (_none, rank) => await summarizer.soon(runs[rank % runs.length] as bigint)));
  expect(inserts).toEqual([runs.length]);
  await summarizer.soon(runs[0] as bigint);
  expect(inserts).toEqual([runs.length, 1]);
  expect(failures).toEqual([]);
});

test("a stop lets rows that are being made be made, begins no others, and tells no failure", async () => {
  const [reading, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { summarizer, inserts, failures } = summarizerOver(async () => {
    reading.resolve();
    await goOn.promise;
  });
  const asked = summarizer.soon(runs[0] as bigint);
  await reading.promise;
  const late = summarizer.soon(runs[1] as bigint);
  const stopped = summarizer.stop();
  goOn.resolve();
  await stopped;
  expect(inserts).toEqual([1]);
  await Promise.all([asked, late]);
  expect(inserts).toEqual([1]);
  expect(failures).toEqual([]);
});
