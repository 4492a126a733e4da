// Whatever is passed to the SDK, the server takes what comes of it: nothing odd is rejected later, far from where it was said.

import { init, type Run } from "@gradwatch/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RunPage } from "../../server/src/api/schema-runs.ts";
import { RunDetail } from "../../server/src/api/schema.ts";
import { startServer, type ServerProcess } from "../processes/server-process.ts";

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

const long = "x".repeat(65_536);
/** A name that is all of one kind of trouble. */
const names = {
  emoji: "🔥/loss",
  "a NUL": "a\0b",
  "right to left": "\u202Efdp.exe",
  "a path": "../../etc/passwd",
  "65 k characters": long,
  "half a character": "\ud83d",
  "an empty one": "",
  "line ends": "a\r\nb",
  markup: "<img src=x onerror=alert(1)>",
  SQL: "'; DROP TABLE runs; --",
  "bytes in threes": "€".repeat(400),
};

const open = (options: Record<string, unknown>): Run => init({ url: server.grpc(), verbose: false, ...options });

async function detailOf(project: string, id: string): Promise<RunDetail> {
  const response = await fetch(`${server.http()}/api/v1/projects/${encodeURIComponent(project)}/runs/${encodeURIComponent(id)}`);
  expect(response.status).toBe(200);
  return RunDetail.parse(await response.json());
}

describe.each(Object.entries(names))("%s", (what, name) => {
  test("as a metric, tensor, image, layer or key costs at most itself", async () => {
    const run = open({ project: "names", id: what });
    run.log({ good: 1, [name]: 2 });
    run.logTensor(name, [1, 2], { layer: name, activation: name, dtype: name });
    run.logImage(name, { data: new Uint8Array(4), width: 2, height: 2 }, { caption: name });
    run.logStep({ step: 0, loss: 1, batchId: name });
    run.defineMetric(name, { role: "loss", stepMetric: name });
    run.describe({ optimizer: name, layers: [{ name, type: name }], augmentation: [name], grownFrom: name });
    run.checkpoint({ step: 1, path: name });
    run.alert({ title: name, text: name });
    run.config[name] = name;
    run.summary[name] = name;
    const { rejected, pending, acknowledged } = await run.finish();
    expect({ rejected, pending }).toEqual({ rejected: 0, pending: 0 });
    expect(acknowledged).toBeGreaterThan(3);
    expect((await detailOf("names", what)).summary).toMatchObject({ good: 1 });
  });

  test("as an option of init costs no run", async () => {
    const run = open({
      project: name,
      id: `option-${what}-${name}`,
      name,
      group: name,
      jobType: name,
      tags: [name, "good"],
      notes: name,
      config: { [name]: name, nested: { [name]: 1 }, good: 1 },
    });
    run.log({ loss: 1 });
    expect(await run.finish()).toMatchObject({ rejected: 0, pending: 0, dropped: {} });
    const response = await fetch(`${server.http()}/api/v1/runs?project=${encodeURIComponent(run.project)}`);
    const { runs } = RunPage.parse(await response.json());
    expect(runs.find((one) => one.run === run.id)).toMatchObject({ config: { good: 1 }, summary: { loss: 1 } });
  });
});

test("a million names in one call cost what they are over, and no run", { timeout: 120_000 }, async () => {
  const run = open({ project: "names", id: "million" });
  const record: Record<string, number> = {};
  for (let i = 0; i < 1_000_000; i++) record[`metric-${i}`] = i;
  run.log(record);
  run.log({ after: 1 });
  const { logged, acknowledged, dropped, rejected, pending } = await run.finish(0, { timeoutMs: 110_000 });
  expect(logged).toBe(acknowledged + rejected + pending + Object.values(dropped).reduce((a, b) => a + b, 0));
  expect(pending).toBe(0);
  expect(acknowledged).toBeGreaterThan(0);
});
