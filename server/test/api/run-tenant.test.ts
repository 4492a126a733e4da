// A key for one project sees nothing of another through the list of runs, whatever it asks: pages, facets, groups, keys,
// the single project's list, edits. Its answers are those of a server that has no other project.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createKeyring } from "../../src/auth/keyring.ts";
import { RunFacets, RunGroups, RunKeys, RunPage } from "../../src/api/schema-runs.ts";
import { type ApiUnderTest, apiUnderTest, host, insertEvents, insertPoints, insertRun, startMs } from "./api-under-test.ts";
import { bareStore } from "./bare-api.ts";

let under: ApiUnderTest;
/** Projects of the key that asks. */
let projects: readonly string[] = ["a"];

const runsOf = { a: 5, b: 7 } as const;

beforeAll(async () => {
  under = await apiUnderTest({
    access: {
      authenticate: async () => ({
        key: "asker",
        standsFor: ["asker"],
        owner: "asker",
        scopes: ["read", "write"],
        projects,
        runToken: () => "",
      }),
      watch: () => () => undefined,
      // Not asked here.
      keyring: createKeyring(bareStore, Date.now),
    },
  });
  for (const project of ["a", "b"] as const) {
    for (let i = 0; i < runsOf[project]; i++) {
      // Those of both take turns in time, so that pages would mix them.
      const run = { project, run: `${project}${i}`, createdMs: startMs + i * 2 + (project === "a" ? 0 : 1) };
      await insertRun(under.store, run);
      const config = [
        { key: "lr", number: project === "a" ? i : 100 + i },
        { key: `only-${project}`, text: `word-${project}` },
      ];
      await insertEvents(under.store, run, [
        { kind: "opened", body: { name: `name-${project}`, tags: ["both", `tag-${project}`], config } },
      ]);
      await insertPoints(under.store, run, [{ metric: `loss-${project}`, steps: [0], values: [i] }]);
    }
  }
  await under.summarize();
});
afterAll(() => under.close());

const query = (parameters: Record<string, string>): string => new URLSearchParams(parameters).toString();

async function everyPage(parameters: Record<string, string>, limit: string): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: RunPage = await under.get(`/api/v1/runs?${query({ ...parameters, limit, ...(cursor === "" ? {} : { cursor }) })}`, RunPage);
    found.push(...page.runs.map(({ project, run }) => `${project}/${run}`));
    cursor = page.nextCursor;
  }
  return found.toSorted();
}

const own = ["a/a0", "a/a1", "a/a2", "a/a3", "a/a4"];

const filters: readonly { readonly filter: string; readonly finds: readonly string[] }[] = [
  { filter: "", finds: own },
  { filter: 'project = "b"', finds: [] },
  { filter: 'project in ["a", "b"]', finds: own },
  { filter: 'not project = "a"', finds: [] },
  { filter: 'project != "a"', finds: [] },
  { filter: 'not project = "a" or project = "b" or id ~ "."', finds: own },
  { filter: 'id ~ "^b"', finds: [] },
  { filter: "archived = false or archived = true", finds: own },
  { filter: 'config."only-b" = "word-b" or not (config."only-b" = "word-b")', finds: own },
  { filter: "config.lr >= 100", finds: [] },
  { filter: 'tag = "both"', finds: own },
  { filter: 'summary."loss-b".last >= 0', finds: [] },
];

describe.each(filters)("asked for $filter", ({ filter, finds }) => {
  test.each(["1", "2", "200"])("pages of %s", async (limit) => {
    expect(await everyPage({ filter }, limit)).toEqual(finds);
    expect(await everyPage({ filter, sort: "project desc, config.lr desc" }, limit)).toEqual(finds);
    expect(await everyPage({ filter, columns: "project, id, tag" }, limit)).toEqual(finds);
  });

  test("facets, groups and keys count its own alone", async () => {
    const facets = await under.get(`/api/v1/runs/facets?${query({ filter, fields: "project, id, name, tag, config.lr" })}`, RunFacets);
    const groups = await under.get(`/api/v1/runs/groups?${query({ filter, by: "project", of: "config.lr" })}`, RunGroups);
    const keys = await under.get(`/api/v1/runs/keys?${query({ filter })}`, RunKeys);
    const all = finds.length === 0 ? [] : [{ value: "a", runs: finds.length }];
    expect(facets.facets[0]).toEqual({ field: "project", distinct: all.length, values: all });
    expect(facets.facets.map(({ distinct }) => distinct)).toEqual(finds.length === 0 ? [0, 0, 0, 0, 0] : [1, 5, 1, 2, 5]);
    expect(groups.groups).toMatchObject(all.map((one) => ({ ...one, statistics: [{ count: 5, mean: 2, min: 0, max: 4 }] })));
    expect(groups.groups).toHaveLength(all.length);
    const named = (name: string) => (finds.length === 0 ? [] : [{ name, runs: 5 }]);
    expect(keys).toEqual({ config: [...named("lr"), ...named("only-a")], fact: [], summary: named("loss-a") });
  });
});

test("searched for by state and part of a name it finds its own alone", async () => {
  expect(await everyPage({ search: "name-b" }, "200")).toEqual([]);
  expect(await everyPage({ search: "name-" }, "200")).toEqual(own);
  expect(await everyPage({ state: "running" }, "200")).toEqual(own);
});

test("a cursor of a key that sees more shows no more to one that sees less", async () => {
  projects = ["*"];
  const all = await everyPage({}, "200");
  expect(all).toHaveLength(runsOf.a + runsOf.b);
  const page = await under.get(`/api/v1/runs?${query({ limit: "3" })}`, RunPage);
  projects = ["a"];
  const cursor = page.nextCursor as string;
  const rest = await under.get(`/api/v1/runs?${query({ limit: "200", cursor })}`, RunPage);
  expect(new Set(rest.runs.map(({ project }) => project))).toEqual(new Set(["a"]));
});

test("a key for several projects sees those", async () => {
  projects = ["a", "c"];
  expect(await everyPage({}, "2")).toEqual(own);
  projects = ["a", "b"];
  expect(await everyPage({ filter: 'project = "b"' }, "2")).toHaveLength(runsOf.b);
  projects = ["a"];
});

test.each([
  ["GET", "/api/v1/runs?project=b"],
  ["GET", "/api/v1/runs/facets?project=b&fields=id"],
  ["GET", "/api/v1/runs/groups?project=b&by=id"],
  ["GET", "/api/v1/runs/keys?project=b"],
  ["GET", "/api/v1/projects/b/runs"],
  ["GET", "/api/v1/projects/%62/runs"],
  ["PATCH", "/api/v1/projects/b/runs/b0"],
  ["DELETE", "/api/v1/projects/b/runs/b0"],
  ["POST", "/api/v1/projects/b/runs/b0/undelete"],
])("%s %s names another project and is refused", async (method, path) => {
  const body = method === "PATCH" ? { headers: { "content-type": "application/json" }, body: JSON.stringify({ name: "x" }) } : {};
  const response = await under.api.request(`http://${host}${path}`, { method, ...body });
  expect(response.status).toBe(403);
});
