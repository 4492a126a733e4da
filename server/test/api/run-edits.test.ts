// What users change about runs: seen at once, on top of what the training says, and taken back where it can be.

import { afterAll, beforeAll, expect, test } from "vitest";
import { createKnownRuns } from "../../src/ingest/known-run.ts";
import { RunPage } from "../../src/api/schema-runs.ts";
import { RunDetail } from "../../src/api/schema.ts";
import { type ApiUnderTest, apiUnderTest, host, insertEvents, insertPoints, insertRun, keyOf, startMs } from "./api-under-test.ts";

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

const project = "edits";
const path = (run: string): string => `/api/v1/projects/${project}/runs/${encodeURIComponent(run)}`;
const call = async (method: string, address: string, body?: unknown): Promise<Response> =>
  await under.api.request(`http://${host}${address}`, {
    method,
    ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
const ids = async (filter = ""): Promise<string[]> =>
  (await under.get(`/api/v1/projects/${project}/runs?${new URLSearchParams({ filter, sort: "id" })}`, RunPage)).runs.map(({ run }) => run);

async function insertOpened(run: string): Promise<{ project: string; run: string }> {
  const ref = { project, run };
  await insertRun(under.store, ref);
  await insertEvents(under.store, ref, [{ kind: "opened", body: { name: "as opened", tags: ["old"], notes: "said at first" } }]);
  await insertPoints(under.store, ref, [{ metric: "loss", steps: [0], values: [1] }]);
  await under.summarize();
  return ref;
}

test("an edit is in the run and in every list at once, and survives that the run is resumed", async () => {
  const ref = await insertOpened("renamed");
  const response = await call("PATCH", path("renamed"), { name: "better", tags: ["prod"] });
  expect(RunDetail.parse(await response.json())).toMatchObject({ name: "better", tags: ["prod"], notes: "said at first" });
  expect(await ids('name = "better" and tag = "prod" and not tag = "old"')).toEqual(["renamed"]);
  await insertEvents(under.store, ref, [{ kind: "opened", body: { name: "as resumed" }, producer: 2, ver: BigInt(startMs) * 2_000n }]);
  await under.summarize();
  expect(await ids('name = "better"')).toEqual(["renamed"]);
  await call("PATCH", path("renamed"), { name: "" });
  await call("PATCH", path("renamed"), { name: "last word" });
  expect(await ids('name = "last word"')).toEqual(["renamed"]);
});

test("what is archived is hidden until a filter names it; pinned ones sort first", async () => {
  for (const run of ["a", "b", "c"]) await insertOpened(run);
  await call("PATCH", path("a"), { archived: true });
  await call("PATCH", path("c"), { pinned: true });
  expect(await ids('id ~ "^.$"')).toEqual(["b", "c"]);
  expect(await ids('id ~ "^.$" and archived = true')).toEqual(["a"]);
  expect(await ids('id ~ "^.$" and archived != null')).toEqual(["a", "b", "c"]);
  const { runs } = await under.get(`/api/v1/runs?${new URLSearchParams({ filter: 'id ~ "^.$"', sort: "pinned desc, id" })}`, RunPage);
  expect(runs.map(({ run, pinned }) => [run, pinned])).toEqual([
    ["c", true],
    ["b", false],
  ]);
  await call("PATCH", path("a"), { archived: false });
  expect(await ids('id ~ "^.$"')).toEqual(["a", "b", "c"]);
});

test("a deleted run is in no answer and takes no data; within seven days it can be brought back", async () => {
  const ref = await insertOpened("gone");
  const known = createKnownRuns(under.store);
  expect(await known.find(project, "gone")).toMatchObject({ key: keyOf(ref) });
  expect((await call("DELETE", path("gone"))).status).toBe(200);
  known.forget(keyOf(ref));
  expect(await known.find(project, "gone")).toBe("deleted");
  expect((await call("GET", path("gone"))).status).toBe(404);
  expect((await call("PATCH", path("gone"), { name: "x" })).status).toBe(404);
  expect((await call("DELETE", path("gone"))).status).toBe(404);
  expect(await ids('id = "gone"')).toEqual([]);

  under.setNow(startMs + 6 * 86_400_000);
  expect((await call("POST", `${path("gone")}/undelete`)).status).toBe(200);
  expect(await ids('id = "gone" and summary.loss.last = 1')).toEqual(["gone"]);
  expect(await known.find(project, "gone")).toMatchObject({ key: keyOf(ref) });

  expect((await call("DELETE", path("gone"))).status).toBe(200);
  under.setNow(startMs + 14 * 86_400_000);
  expect((await under.problem(`${path("gone")}/undelete`, { method: "POST" })).detail).toContain("can be taken back for 7 days");
  under.setNow(startMs);
});

test.each([
  { body: {}, says: "nothing to change" },
  { body: { state: "finished" }, says: "state" },
  { body: { tags: [""] }, says: "tags.0" },
  { body: { name: "x".repeat(513) }, says: "name" },
])("an edit that is none is refused: $says", async ({ body, says }) => {
  await insertOpened("steady");
  const problem = await under.problem(path("steady"), {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(problem).toMatchObject({ status: 400, detail: expect.stringContaining(says) as string });
});
