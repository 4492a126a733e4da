// `gradwatch backup` of a server that takes data meanwhile, and `gradwatch restore` into a folder of its own: every point that was acknowledged before is
// there, value for value, and nothing that was never logged.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { init } from "@gradwatch/sdk";
import type { Backup, RunPage } from "@gradwatch/server/api-types";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gradwatch } from "../access/gradwatch-command.ts";
import { type ServerProcess, startServer } from "../processes/server-process.ts";
import { exportRun } from "./full-export.ts";

let server: ServerProcess;
const restored = mkdtempSync(join(tmpdir(), "gradwatch-restored-"));
beforeAll(async () => void (server = await startServer()));
afterAll(async () => {
  await server.dispose();
  rmSync(restored, { recursive: true, force: true });
});

const valueAt = (step: number): number => (step % 101 === 7 ? Number.NaN : Math.fround(Math.sin(step)));

test("a backup under way of a live server holds what was acknowledged before, and is restored value for value", async () => {
  const before = init({ project: "kept", id: "before", url: server.grpc(), config: { lr: 0.5 }, verbose: false });
  for (let step = 0; step < 5_000; step++) before.log({ loss: valueAt(step), acc: -0 }, { step });
  before.logTensor("w", Float32Array.of(1, Number.NaN, -3), { step: 9, kind: "weight" });
  expect(await before.finish()).toMatchObject({ pending: 0, rejected: 0, dropped: {} });

  const during = init({ project: "kept", id: "during", url: server.grpc(), verbose: false });
  let step = 0;
  const logging = setInterval(() => {
    for (let i = 0; i < 100; i++) during.log({ loss: valueAt(step) }, { step: step++ });
  }, 5);
  const made = await gradwatch(["backup", "nightly", "--url", server.http(), "--json"]);
  expect(made.stderr).toBe("");
  const { place, state, bytes } = JSON.parse(made.stdout) as Backup;
  expect({ state, isThere: existsSync(join(place, ".backup")) }).toEqual({ state: "done", isThere: true });
  expect(bytes).toBeGreaterThan(10_000);
  const again = await gradwatch(["backup", "nightly", "--url", server.http()]);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("there is a backup nightly already") as string });
  clearInterval(logging);
  await during.finish();

  const data = join(restored, "data");
  const brought = await gradwatch(["restore", place, "--data", data]);
  expect({ code: brought.code, stderr: brought.stderr }).toEqual({ code: 0, stderr: "" });
  const twice = await gradwatch(["restore", place, "--data", data]);
  expect(twice).toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot be restored/) as string });
  const nothing = await gradwatch(["restore", restored, "--data", join(restored, "other")]);
  expect(nothing).toMatchObject({ code: 1, stderr: expect.stringMatching(/is no backup/) as string });

  // An engine that was started again knows of none, and writes over none.
  await server.stop();
  await server.restart();
  const later = await gradwatch(["backup", "nightly", "--url", server.http()]);
  expect(later).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Is there one already at|the backup failed: .*already exists/) as string,
  });
  await server.stop();
  expect(await exportRun(data, "kept", "before")).toEqual(await exportRun(server.dataFolder, "kept", "before"));
  // Of what came meanwhile some is there, and as it was logged.
  const whole = new Map((await exportRun(server.dataFolder, "kept", "during")).points.map(({ step: at, bits }) => [at, bits]));
  const part = await exportRun(data, "kept", "during");
  expect(part.points.filter(({ step: at, bits }) => whole.get(at) !== bits)).toEqual([]);
  expect(part.points.length).toBeLessThanOrEqual(whole.size);

  const served = await startServer({ dataFolder: data });
  try {
    const response = await fetch(
      `${served.http()}/api/v1/projects/kept/runs?columns=config.lr,summary.loss.nonfinite&filter=id%20%3D%20%22before%22`,
    );
    expect(((await response.json()) as RunPage).runs.map(({ cells }) => cells)).toEqual([[0.5, 50]]);
  } finally {
    await served.dispose();
  }
});
