// Deleted runs leave the disk: every row of theirs, nothing of the others, whoever removes and however often it is cut off.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { createRemover } from "../../src/life/remover.ts";
import { inheritHistory } from "../../src/ingest/fork-run.ts";
import { graceMs } from "../../src/storage/queries/deleted-runs.ts";
import { freedSoFar } from "../../src/storage/queries/removals.ts";
import { defineQuery, Integer } from "../../src/storage/query.ts";
import { keptTables, runTables } from "../../src/storage/run-tables.ts";
import type { Store } from "../../src/storage/store.ts";
import { type ApiUnderTest, apiUnderTest, insertRun, keyOf, startMs } from "../api/api-under-test.ts";

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

const quiet = { info: () => undefined, warn: () => undefined };
const later = startMs + graceMs + 2 * 3_600_000;
const remover = (store: Store = under.store, nowMs = later): (() => Promise<number>) =>
  createRemover({ store, nowMs: () => nowMs, log: quiet, removed: () => undefined });

async function untilNothingIsLeft(...removers: readonly (() => Promise<number>)[]): Promise<void> {
  await expect.poll(async () => (await Promise.all(removers.map((remove) => remove()))).reduce((sum, left) => sum + left, 0)).toBe(0);
}

const columnsNamedRun = defineQuery({
  name: "columns-named-run",
  sql: `SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name = 'run'`,
  parameters: z.object({}),
  row: z.object({ table: z.string() }),
});

const rowsOf = (table: string) =>
  defineQuery({
    name: "rows-of",
    sql: `SELECT toString(run) AS run, count() AS rows FROM ${table} GROUP BY run`,
    parameters: z.object({}),
    row: z.object({ run: z.string(), rows: Integer }),
  });

/** Rows of each run in each table: "table run" → rows. */
async function everything(): Promise<Map<string, number>> {
  const all = await Promise.all(
    runTables.map(async ({ name }) =>
      (await under.store.read(rowsOf(name), {})).map(({ run, rows }): [string, number] => [`${name} ${run}`, rows]),
    ),
  );
  return new Map(all.flat());
}

/** One row of the run in every table, whatever its columns are: the engine fills them. */
async function insertEverywhere(run: { project: string; run: string }): Promise<void> {
  await insertRun(under.store, run);
  for (const { name } of runTables) {
    if (name === "runs") continue;
    await under.store.insertRows(name, [{ run: keyOf(run).toString() }]);
  }
}

const bury = (run: { project: string; run: string }, timeMs = startMs): Promise<void> =>
  under.store.insertRows("tombstones", [{ run: keyOf(run).toString(), time_ms: timeMs, deleted: 1 }]);

test("every table with a run in it is among those that are emptied, or says why it is kept", async () => {
  const tables = (await under.store.read(columnsNamedRun, {})).map(({ table }) => table);
  expect([...runTables.map(({ name }) => name), ...keptTables].toSorted()).toEqual(tables.toSorted());
});

const hourMs = 3_600_000;
const drawnRun = fc.record({
  deletedAgoMs: fc.option(fc.constantFrom(0, graceMs, graceMs + hourMs - 1, graceMs + hourMs, 10 * graceMs)),
  isBack: fc.boolean(),
});

test("of any runs, those deleted an hour longer ago than the grace period leave every table, and the others keep every row", async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(drawnRun, { minLength: 1, maxLength: 6 }), async (drawn) => {
      round++;
      const doomed = new Set<string>();
      for (const [i, { deletedAgoMs, isBack }] of drawn.entries()) {
        const ref = { project: "any", run: `${round}-${i}` };
        await insertEverywhere(ref);
        if (deletedAgoMs === null) continue;
        await bury(ref, later - deletedAgoMs);
        if (isBack) await under.store.insertRows("tombstones", [{ run: keyOf(ref).toString(), time_ms: later + 1, deleted: 0 }]);
        else if (deletedAgoMs >= graceMs + hourMs) doomed.add(keyOf(ref).toString());
      }
      const before = await everything();
      // Two servers at once.
      await untilNothingIsLeft(remover(), remover());
      expect(await everything()).toEqual(new Map([...before].filter(([place]) => !doomed.has(place.split(" ")[1] as string))));
    }),
    { numRuns: 6 },
  );
});

test("cut off after any statement, it is finished by whoever comes next", async () => {
  for (let statements = 0; statements < 6; statements++) {
    const ref = { project: "cut", run: `after-${statements}` };
    await insertEverywhere(ref);
    await bury(ref);
    let left = statements;
    const cut = (): void => {
      if (left-- <= 0) throw new Error("killed");
    };
    const dying: Store = {
      ...under.store,
      insertRows: async (...given) => {
        cut();
        await under.store.insertRows(...given);
      },
      change: async (...given) => {
        cut();
        await under.store.change(...given);
      },
    };
    await expect(remover(dying)()).rejects.toThrow("killed");
    await untilNothingIsLeft(remover());
    expect([...(await everything()).keys()].filter((place) => place.endsWith(` ${keyOf(ref)}`))).toEqual([]);
  }
});

test("whose the rows are stays known until no table is left to be done", async () => {
  const ref = { project: "busy", run: "one" };
  await insertEverywhere(ref);
  await bury(ref);
  const withBusyScalars: Store = {
    ...under.store,
    read: async (query, ...given) =>
      query.name === "unfinished-removals" ? [query.row.parse({ table: "scalars", failure: "" })] : await under.store.read(query, ...given),
  };
  await expect.poll(remover(withBusyScalars)).toBe(2);
  const left = [...(await everything()).keys()].filter((place) => place.endsWith(` ${keyOf(ref)}`));
  expect(left.map((place) => place.split(" ")[0])).toEqual(["scalars", "runs"]);
  await untilNothingIsLeft(remover());
  expect(await under.store.read(freedSoFar, { tenant: ["busy"] })).toMatchObject([{ rows: runTables.length }]);
});

test("what arrives for it later is removed, too, and the tombstone stays", async () => {
  const ref = { project: "zombies", run: "late" };
  await insertEverywhere(ref);
  await bury(ref);
  await untilNothingIsLeft(remover());
  await insertEverywhere(ref);
  expect((await everything()).has(`scalars ${keyOf(ref)}`)).toBe(true);
  await untilNothingIsLeft(remover());
  expect([...(await everything()).keys()].filter((place) => place.endsWith(` ${keyOf(ref)}`))).toEqual([]);
  expect((await under.store.read(rowsOf("tombstones"), {})).map(({ run }) => run)).toContain(keyOf(ref).toString());
});

test("a fork keeps what it inherited when its parent is removed", async () => {
  const parent = { project: "forks", run: "parent" };
  const child = { project: "forks", run: "child" };
  await insertEverywhere(parent);
  await inheritHistory(under.store, { parent: keyOf(parent), child: keyOf(child), month: 202511, step: 10n });
  await insertRun(under.store, child);
  const inherited = [...(await everything())].filter(([place]) => place.endsWith(` ${keyOf(child)}`));
  expect(inherited.map(([place]) => place.split(" ")[0])).toEqual(expect.arrayContaining(["scalars", "tensors", "images", "metrics"]));
  await bury(parent);
  await untilNothingIsLeft(remover());
  expect([...(await everything())].filter(([place]) => place.endsWith(` ${keyOf(child)}`))).toEqual(inherited);
});

test("what was freed is told by project, once, whoever removed it", async () => {
  const ref = { project: "told", run: "big" };
  await insertEverywhere(ref);
  await under.store.change(
    {
      name: "many-points",
      sql: `INSERT INTO scalars (month, run, metric, step, value, ver) SELECT 202510, {run:UInt64}, 7, number, rand(), 1 FROM numbers(100000)`,
      parameters: z.object({ run: z.bigint() }),
    },
    { run: keyOf(ref) },
  );
  await bury(ref);
  await untilNothingIsLeft(remover(), remover());
  const [freed] = await under.store.read(freedSoFar, { tenant: ["told"] });
  // A row in each of the tables, and the points; the row of scalars at step 0 is of another metric.
  expect(freed).toMatchObject({ runs: 1, rows: 100_000 + runTables.length, last_ms: later });
  expect(freed?.bytes).toBeGreaterThan(100_000);
  expect(await under.store.read(freedSoFar, { tenant: ["others"] })).toEqual([]);
});
