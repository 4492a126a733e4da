// Filters in the engine against the oracle, over random runs; and summaries against a recomputation.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { readRunRows } from "../../src/api/read-run-rows.ts";
import type { Tenant } from "../../src/auth/principal.ts";
import { printFilter } from "../../src/filter/print.ts";
import { cellsOf } from "../../src/storage/queries/run-cells.ts";
import { type FieldName, fields as fieldInfos } from "../../src/filter/fields.ts";
import { pageKeysQuery, type RunRow } from "../../src/storage/queries/run-rows.ts";
import { defineQuery } from "../../src/storage/query.ts";
import { createSummarizer } from "../../src/summaries/summarizer.ts";
import { type ApiUnderTest, apiUnderTest, startMs } from "../api/api-under-test.ts";
import { aggregates, type Field, type Filter } from "../../src/filter/tree.ts";
import { arbitraryFilter, factKeys, keys, metrics } from "./arbitrary-filter.ts";
import { evaluate, type SeenRun, valueOf } from "./evaluate.ts";
import { insertRunSet, silenceMs } from "./run-set.ts";

const sets = new Map<string, Map<string, SeenRun>>();
let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
  for (const seed of [1, 2, 3]) sets.set(`set-${seed}`, await insertRunSet(under.store, `set-${seed}`, 25, seed));
  const summarizer = createSummarizer({
    store: under.store,
    nowMs: () => startMs,
    silenceMs,
    failed: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  await summarizer.sweep();
});
afterAll(() => under.close());

const byCreation = [{ field: { name: "created" as const }, descending: true }];

async function rowsOf(filter: Filter, project: string | undefined, columns: readonly Field[], tenant: Tenant): Promise<RunRow[]> {
  const selection = { tenant, filter, project, nowMs: startMs, silenceMs };
  const page = pageKeysQuery({ ...selection, sort: byCreation, after: undefined, limit: 200 });
  const keys = (await under.store.read(page.query, page.parameters)).map(({ run }) => run);
  const rows = await readRunRows(keys, columns, selection, { store: under.store, signal: new AbortController().signal });
  return [...rows.values()];
}

const found = async (filter: Filter, project: string | undefined, tenant: Tenant = ["*"]): Promise<string[]> =>
  (await rowsOf(filter, project, [], tenant)).map((row) => `${row.project}/${row.id}`).toSorted();

/** `archived` named, so that nothing is hidden. */
const shelved: Filter = { kind: "compare", field: { name: "archived" }, operator: "!=", value: { type: "absent" } };

/** Projects of the asking key: all, or some by name, or none that there is. */
const tenants = fc.oneof(
  fc.constant<Tenant>(["*"]),
  fc.subarray(["set-1", "set-2", "set-3", "set-4"]).map((some): Tenant => some),
);

test("any filter, asked by any key, finds in the engine what the oracle finds", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryFilter, tenants, async (filter, tenant) => {
      const whole: Filter = { kind: "and", of: [filter, shelved] };
      const seen = [...sets].filter(([project]) => tenant.includes("*") || tenant.includes(project));
      const expected = seen.flatMap(([project, runs]) =>
        [...runs].filter(([, run]) => evaluate(whole, run, startMs)).map(([id]) => `${project}/${id}`),
      );
      // The text of the filter beside the runs: what failed is readable.
      expect([printFilter(filter), await found(whole, undefined, tenant)]).toEqual([printFilter(filter), expected.toSorted()]);
    }),
    { numRuns: 150 },
  );
});

test("every column of every run equals a recomputation", async () => {
  const summaries = metrics.flatMap((key) => aggregates.map((aggregate): Field => ({ name: "summary", key, aggregate })));
  const keyed = [...keys.map((key): Field => ({ name: "config", key })), ...factKeys.map((key): Field => ({ name: "fact", key }))];
  const names = (Object.keys(fieldInfos) as FieldName[]).filter((name) => name !== "config" && name !== "fact" && name !== "summary");
  const fields: Field[] = [...summaries, ...keyed, ...names.map((name) => ({ name }))];
  for (const [project, runs] of sets) {
    const rows = await rowsOf(shelved, project, fields, ["*"]);
    expect(rows).toHaveLength(25);
    for (const row of rows) {
      const of = runs.get(row.id) as SeenRun;
      // Which of two zeros is the larger is nobody's business.
      const plain = (value: unknown): unknown => (value === 0 ? 0 : value);
      expect([row.id, ...cellsOf(fields)(row).map(plain)]).toEqual([row.id, ...fields.map((field) => plain(valueOf(field, of)))]);
    }
  }
});

const answer = defineQuery({
  name: "answer",
  sql: "SELECT count() AS rows FROM run_summaries",
  parameters: z.object({}),
  row: z.unknown(),
});

test("what is typed never becomes SQL", async () => {
  for (const hostile of ["' OR 1=1 --", "}; DROP TABLE run_summaries", "{p0:String}", "\\'", "`x`", "\u0000"]) {
    const filter: Filter = {
      kind: "compare",
      field: { name: "config", key: hostile },
      operator: "=",
      value: { type: "text", value: hostile },
    };
    expect(await found(filter, hostile)).toEqual([]);
  }
  expect(await under.store.read(answer, {})).toHaveLength(1);
});
