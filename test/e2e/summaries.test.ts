// The list's summaries follow a live run, and equal a recomputation from its series when it rests: over a server that is
// killed, a resume that abandons steps, and a run that never ended.

import { init, type Run } from "@gradwatch/sdk";
import type { ListedRun, RunPage, SeriesResponse } from "@gradwatch/server/api-types";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerProcess, startServer } from "../processes/server-process.ts";
import { seededRandom } from "../seeded-random.ts";

let server: ServerProcess;
const runs: Run[] = [];
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await Promise.all(runs.map((run) => run.finish()));
  await server.dispose();
});

/** Real processes take the time they take; nothing is measured by it. */
const patience = { timeout: 60_000, interval: 250 };
const open = (id: string, more: object = {}): Run => {
  const run = init({ project: "summaries", id, url: server.grpc(), verbose: false, ...more });
  runs.push(run);
  return run;
};

async function cellsOf(id: string): Promise<ListedRun["cells"] | undefined> {
  const columns = ["last", "first", "min", "max", "argmin", "argmax", "count", "nonfinite"]
    .map((aggregate) => `summary.loss.${aggregate}`)
    .join(",");
  const query = new URLSearchParams({ columns, filter: `id = ${JSON.stringify(id)}` });
  const response = await fetch(`${server.http()}/api/v1/projects/summaries/runs?${query.toString()}`);
  return ((await response.json()) as RunPage).runs[0]?.cells;
}

/** From every point that the series route shows. */
async function recomputed(id: string): Promise<ListedRun["cells"]> {
  const response = await fetch(`${server.http()}/api/v1/series`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ runs: [{ project: "summaries", run: id }], metrics: ["loss"], maxBuckets: 10_000 }),
  });
  const [series] = ((await response.json()) as SeriesResponse).series;
  const steps = series?.buckets.step ?? [];
  const values = (series?.buckets.last ?? []).map(Number);
  const finite = values.filter(Number.isFinite);
  const [min, max] = [Math.min(...finite), Math.max(...finite)];
  const told = (value: number | undefined): number | string | null =>
    value === undefined ? null : Number.isFinite(value) ? value : String(value);
  const extremes =
    finite.length === 0 ? [null, null, null, null] : [min, max, steps[values.indexOf(min)] ?? null, steps[values.indexOf(max)] ?? null];
  return [told(values.at(-1)), told(values[0]), ...extremes, values.length, values.length - finite.length];
}

test("a run that is killed with its server, resumed earlier and left open equals its series in the end", async () => {
  const random = seededRandom(5);
  const first = open("hard");
  for (let step = 0; step < 2_000; step++) first.log({ loss: step % 97 === 0 ? Number.NaN : random.normal() }, { step });
  await expect.poll(() => cellsOf("hard"), patience).toMatchObject({ 6: 2_000 });
  await server.kill();
  for (let step = 2_000; step < 2_500; step++) first.log({ loss: step === 2_400 ? -1_000 : random.normal() }, { step });
  await server.restart();
  await first.finish();

  // What was abandoned, the extreme at 2400 with it, is in no summary.
  const second = open("hard", { resume: "must", resumeStep: 1_200 });
  for (let step = 1_200; step < 1_300; step++) second.log({ loss: random.normal() }, { step });
  await expect.poll(() => cellsOf("hard"), patience).toMatchObject({ 6: 1_300 });
  const expected = await recomputed("hard");
  expect(await cellsOf("hard")).toEqual(expected);
  expect(expected[2]).toBeGreaterThan(-1_000);
});
