// The list of runs through the API: filters and their errors, order, columns, pages that stay, facets and groups.

import { afterAll, beforeAll, expect, test } from "vitest";
import { RunFacets, RunGroups, RunKeys, RunPage } from "../../src/api/schema-runs.ts";
import { type ApiUnderTest, apiUnderTest, insertEvents, insertHeartbeat, insertPoints, insertRun, startMs } from "./api-under-test.ts";

let under: ApiUnderTest;

const project = "list";
const losses = [3, 1, Number.NaN, 2, undefined, -Infinity];

beforeAll(async () => {
  under = await apiUnderTest();
  for (const [i, loss] of losses.entries()) {
    const run = { project, run: `r${i}`, createdMs: startMs + i };
    await insertRun(under.store, run);
    await insertHeartbeat(under.store, run, startMs);
    const config = [
      { key: "lr", number: i / 10 },
      { key: "optimizer", text: i % 2 === 0 ? "adam" : "sgd" },
    ];
    await insertEvents(under.store, run, [{ kind: "opened", body: { name: `name ${i}`, tags: i < 2 ? ["prod", "a"] : [], config } }]);
    if (loss !== undefined) await insertPoints(under.store, run, [{ metric: "loss", steps: [0, 1], values: [10 + i, loss] }]);
  }
  await insertRun(under.store, { project: "other", run: "r0", createdMs: startMs });
  await under.summarize();
});
afterAll(() => under.close());

const query = (parameters: Record<string, string>): string => new URLSearchParams(parameters).toString();
const list = (parameters: Record<string, string>) => under.get(`/api/v1/projects/${project}/runs?${query(parameters)}`, RunPage);
const ids = async (parameters: Record<string, string>) => (await list(parameters)).runs.map(({ run }) => run);

test.each([
  { filter: "", finds: ["r5", "r4", "r3", "r2", "r1", "r0"] },
  { filter: 'config.lr < 0.4 and summary.loss.last > 1 and tag in ["prod"]', finds: ["r0"] },
  { filter: "summary.loss.last = nan", finds: ["r2"] },
  { filter: "summary.loss.last = null", finds: ["r4"] },
  { filter: "summary.loss.nonfinite > 0", finds: ["r5", "r2"] },
  { filter: "summary.loss.max >= 13", finds: ["r5", "r3"] },
  { filter: 'name like "name _" and not config.optimizer = "adam"', finds: ["r5", "r3", "r1"] },
  { filter: 'name ~ "[01]$"', finds: ["r1", "r0"] },
])("the filter $filter finds $finds", async ({ filter, finds }) => {
  expect(await ids({ filter })).toEqual(finds);
});

test.each([
  { sort: "summary.loss.last", order: ["r5", "r1", "r3", "r0", "r2", "r4"] },
  { sort: "summary.loss.last desc", order: ["r0", "r3", "r1", "r5", "r4", "r2"] },
  { sort: "config.optimizer, created desc", order: ["r4", "r2", "r0", "r5", "r3", "r1"] },
  { sort: "tag desc, name", order: ["r0", "r1", "r2", "r3", "r4", "r5"] },
])("sorted by $sort, what is absent or NaN comes last, page by page", async ({ sort, order }) => {
  // Neither NaN nor absence is a place in an order: among themselves such runs are in the order of their keys.
  const settled = (all: string[]): string[] => all.map((run) => (sort.startsWith("summary") && ["r2", "r4"].includes(run) ? "last" : run));
  expect(settled(await ids({ sort }))).toEqual(settled(order));
  const paged: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: RunPage = await list({ sort, limit: "2", ...(cursor === "" ? {} : { cursor }) });
    paged.push(...page.runs.map(({ run }) => run));
    cursor = page.nextCursor;
  }
  expect(paged).toEqual(await ids({ sort }));
});

test("a cursor keeps the moment of its first page, and belongs to its list", async () => {
  const first = await list({ filter: "created > now-1d", limit: "2" });
  under.setNow(startMs + 2 * 86_400_000);
  const second = await list({ filter: "created > now-1d", limit: "2", cursor: first.nextCursor as string });
  under.setNow(startMs);
  expect(second.runs.map(({ run }) => run)).toEqual(["r3", "r2"]);
  const other = await under.problem(`/api/v1/projects/${project}/runs?${query({ sort: "name", cursor: first.nextCursor as string })}`);
  expect(other).toMatchObject({ status: 400, detail: expect.stringContaining("was not made by this list") as string });
});

test("chosen columns are answered as cells, without the rest", async () => {
  const { runs } = await list({ columns: 'name, config.lr, summary.loss.last, tag, summary."no such".max', sort: "created", limit: "3" });
  expect(runs.map(({ cells, config, summary }) => ({ cells, config, summary }))).toEqual([
    { cells: ["name 0", 0, 3, ["prod", "a"], null], config: {}, summary: {} },
    { cells: ["name 1", 0.1, 1, ["prod", "a"], null], config: {}, summary: {} },
    { cells: ["name 2", 0.2, "NaN", null, null], config: {}, summary: {} },
  ]);
});

test.each([
  { parameter: "filter", text: 'name = "a" and lr < 1', column: 16, says: "expected a field" },
  { parameter: "sort", text: "created down", column: 9, says: 'expected "asc", "desc"' },
  { parameter: "columns", text: "name, summary.loss", column: 19, says: "an aggregate" },
])("an error in $parameter names its column", async ({ parameter, text, column, says }) => {
  const problem = await under.problem(`/api/v1/runs?${query({ [parameter]: text })}`);
  expect(problem).toMatchObject({ status: 400, detail: expect.stringContaining(says) as string, errors: [{ path: parameter, column }] });
});

test("facets count the runs of every value", async () => {
  const { facets } = await under.get(
    `/api/v1/runs/facets?${query({ project, fields: "state, tag, config.optimizer, config.lr" })}`,
    RunFacets,
  );
  expect(facets.slice(0, 3)).toEqual([
    { field: "state", distinct: 1, values: [{ value: "running", runs: 6 }] },
    {
      field: "tag",
      distinct: 3,
      values: [
        { value: null, runs: 4 },
        { value: "a", runs: 2 },
        { value: "prod", runs: 2 },
      ],
    },
    {
      field: "config.optimizer",
      distinct: 2,
      values: [
        { value: "adam", runs: 3 },
        { value: "sgd", runs: 3 },
      ],
    },
  ]);
  expect(facets[3]).toMatchObject({ distinct: 6 });
});

test("groups have statistics over all their runs; what is not finite is counted apart", async () => {
  const path = `/api/v1/runs/groups?${query({ project, by: "config.optimizer", of: "summary.loss.last, config.lr" })}`;
  const { groups, of, complete } = await under.get(path, RunGroups);
  expect({ of, complete }).toEqual({ of: ["summary.loss.last", "config.lr"], complete: true });
  const close = (value: number) => expect.closeTo(value, 12) as number;
  expect(groups).toEqual([
    {
      value: "adam",
      runs: 3,
      statistics: [
        { count: 1, nonFinite: 1, mean: 3, std: null, median: 3, min: 3, max: 3 },
        { count: 3, nonFinite: 0, mean: close(0.2), std: close(0.2), median: 0.2, min: 0, max: 0.4 },
      ],
    },
    {
      value: "sgd",
      runs: 3,
      statistics: [
        { count: 2, nonFinite: 1, mean: 1.5, std: close(Math.SQRT1_2), median: 1.5, min: 1, max: 2 },
        { count: 3, nonFinite: 0, mean: close(0.3), std: close(0.2), median: 0.3, min: 0.1, max: 0.5 },
      ],
    },
  ]);
  expect((await under.problem(`/api/v1/runs/groups?${query({ by: "tag", of: "name" })}`)).detail).toContain("name has no numbers");
});

test("keys tell which columns there are", async () => {
  const keys = await under.get(`/api/v1/runs/keys?${query({ project, filter: "config.lr > 0" })}`, RunKeys);
  expect(keys).toEqual({
    config: [
      { name: "lr", runs: 5 },
      { name: "optimizer", runs: 5 },
    ],
    fact: [],
    summary: [{ name: "loss", runs: 4 }],
  });
});
