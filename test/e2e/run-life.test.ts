// What a run brings along beside its numbers, and how runs begin, branch, grow and end: real processes against a real server,
// seen through the API.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Alert, init, type InitOptions, type Run } from "@gradwatch/sdk";
import { ConsolePage, ImageInfo, IncidentPage, RunDetail, SeriesResponse } from "../../server/src/api/schema.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { startServer, type ServerProcess } from "../processes/server-process.ts";

const execute = promisify(execFile);
const script = fileURLToPath(new URL("./train-captured.ts", import.meta.url));
/** Everything in it that must never leave the machine. */
const SECRETS = ["hunter2", "sk-abcdef", "hf_abcdef", "ghp_abcdef", "s3cr3t"];

let server: ServerProcess;
let repository: string;
beforeAll(async () => {
  server = await startServer();
  repository = mkdtempSync(join(tmpdir(), "gradwatch-repository-"));
  writeFileSync(join(repository, "model.ts"), "// v1\n");
  for (const given of [
    ["init", "-q"],
    ["-c", "user.name=t", "-c", "user.email=t@t", "add", "model.ts"],
    ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "first"],
    ["remote", "add", "origin", "https://me:hunter2@example.com/team/model.git"],
  ]) {
    await execute("git", given, { cwd: repository });
  }
  writeFileSync(join(repository, "model.ts"), "// v2\n");
});
afterAll(async () => {
  await server.dispose();
  rmSync(repository, { recursive: true, force: true });
});

async function get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  const response = await fetch(`${server.http()}/api/v1${path}`);
  const body = await response.text();
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${body}`);
  const told = SECRETS.filter((secret) => body.includes(secret));
  if (told.length > 0) throw new Error(`${path} tells ${told.join(", ")}`);
  return schema.parse(JSON.parse(body));
}
const detailOf = (project: string, id: string): Promise<RunDetail> => get(`/projects/${project}/runs/${id}`, RunDetail);

const train = (id: string, ending: string) =>
  spawn(process.execPath, ["--conditions=source", script, server.grpc(), id, ending, "--password", "s3cr3t"], {
    cwd: repository,
    env: { ...process.env, GRADWATCH_CAPTURE: "on" },
    stdio: ["ignore", "pipe", "pipe"],
  });

describe("a run with everything captured", () => {
  let detail: RunDetail;
  let printed = "";
  beforeAll(async () => {
    const child = train("whole", "finish");
    child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const [code] = (await once(child, "exit")) as [number];
    if (code !== 0) throw new Error(`the training ended with ${code}`);
    detail = await detailOf("captured", "whole");
  });

  test("tells its command line, commit and machine, without secrets", () => {
    const { environment } = detail;
    expect(environment["commandLine"]).toEqual(expect.arrayContaining([script, "whole", "--password", "[redacted]"]));
    expect(environment).toMatchObject({ gitDirty: true, gitRemote: "https://[redacted]@example.com/team/model.git" });
    expect(environment["gitCommit"]).toMatch(/^[\da-f]{40}$/);
    expect(environment["cpuCount"]).toBeGreaterThan(0);
    expect(environment["memoryBytes"]).toBeGreaterThan(2 ** 20);
  });

  test("shows its configuration, nested and as it was set later", () => {
    expect(detail.config).toEqual({
      "optimizer.name": "adam",
      "optimizer.lr": 0.1,
      "optimizer.betas": [0.9, 0.999],
      max_tokens: 4096,
      pad_token: "<pad>",
      hf_token: "[redacted]",
      "database.url": "postgres://[redacted]@db/runs",
      "database.password": "[redacted]",
      "batch.size": 32,
    });
    expect(detail.summary).toMatchObject({ "best/acc": 0.93, model: "small", loss: 0.05, "tb/loss": 0.5, "tb/both/val": 2 });
  });

  test("keeps what it printed, line by line, as it stood on the terminal", async () => {
    const { lines } = await get("/projects/captured/runs/whole/console", ConsolePage);
    expect(lines.map(({ stream, text }) => [stream, text])).toEqual([
      ["stdout", "epoch 1"],
      ["stdout", "progress 100%"],
      ["stderr", "warning: loss is high"],
      ["stdout", "connecting with api_key=[redacted]"],
      ["stdout", "a line without an end"],
    ]);
    // What is captured is printed all the same.
    expect(printed).toContain("api_key=sk-abcdefghijklmnop1234");
    const found = await get("/projects/captured/runs/whole/console?search=LOSS", ConsolePage);
    expect(found.lines).toHaveLength(1);
  });

  test("pages through its lines from the end", async () => {
    const texts: string[] = [];
    let cursor = "";
    do {
      const page = await get(`/projects/captured/runs/whole/console?limit=2${cursor}`, ConsolePage);
      texts.unshift(...page.lines.map(({ text }) => text));
      cursor = page.nextCursor === null ? "" : `&cursor=${page.nextCursor}`;
    } while (cursor !== "");
    expect(texts).toHaveLength(5);
    expect(texts[0]).toBe("epoch 1");
  });

  test("shows its images", async () => {
    const { images } = await get("/projects/captured/runs/whole/images", z.object({ images: z.array(ImageInfo) }));
    expect(images).toMatchObject([
      { name: "activations", step: 7, width: 2, height: 2, caption: "channel 0", mediaType: "image/png" },
      { name: "filters/conv1", step: 19 },
    ]);
    const response = await fetch(`${server.http()}/api/v1/projects/captured/runs/whole/images/data?name=filters%2Fconv1&step=19`);
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(
      Buffer.from(await response.arrayBuffer())
        .subarray(1, 4)
        .toString(),
    ).toBe("PNG");
    const missing = await fetch(`${server.http()}/api/v1/projects/captured/runs/whole/images/data?name=filters&step=19`);
    expect(missing.status).toBe(404);
  });

  test("raises its alert once", async () => {
    const { incidents } = await get("/alerts?project=captured&run=whole", IncidentPage);
    expect(incidents).toMatchObject([{ rule: "user-alert", title: "accuracy is up", message: "as hoped", level: "info", firingStep: 19 }]);
  });
});

test("a run that throws tells exception and stack, without secrets", async () => {
  const child = train("throws", "throw");
  expect(await once(child, "exit")).toEqual([1, null]);
  // What the dead left is sent by the next on the machine.
  await finished({ id: "sender" });
  await expect.poll(async () => (await detailOf("captured", "throws")).state, { timeout: 20_000 }).toBe("failed");
  const { error, stack, exitCode } = await detailOf("captured", "throws");
  expect(error).toBe("RangeError: no such layer; token=[redacted]");
  expect(stack).toContain("train-captured.ts");
  expect(exitCode).toBe(1);
});

test.each([
  { name: "SIGTERM by hand", signal: "SIGTERM", scheduler: {}, state: "killed" },
  { name: "SIGTERM under a scheduler", signal: "SIGTERM", scheduler: { LSB_JOBID: "7" }, state: "preempted" },
  { name: "Ctrl-C", signal: "SIGINT", scheduler: { LSB_JOBID: "7" }, state: "killed" },
] as const)("$name ends a run as $state", async ({ signal, scheduler, state }) => {
  const id = `ends-${state}-${signal}`;
  const child = spawn(process.execPath, ["--conditions=source", script, server.grpc(), id, "wait"], {
    env: { ...process.env, ...scheduler },
    stdio: "ignore",
  });
  await expect
    .poll(async () => (await fetch(`${server.http()}/api/v1/projects/captured/runs/${id}`)).status, { timeout: 20_000 })
    .toBe(200);
  child.kill(signal);
  expect(await once(child, "exit")).toEqual([null, signal]);
  await finished({ id: `${id}-sender` });
  await expect.poll(async () => (await detailOf("captured", id)).state, { timeout: 20_000 }).toBe(state);
});

const open = (options: InitOptions): Run => init({ project: "life", url: server.grpc(), verbose: false, ...options });
async function finished(options: InitOptions, log: (run: Run) => void = (run) => run.log({ loss: 1 })): Promise<void> {
  const run = open(options);
  log(run);
  const report = await run.finish();
  expect(report).toMatchObject({ pending: 0, rejected: 0 });
}
async function lossOf(id: string): Promise<Record<number, number>> {
  const response = await fetch(`${server.http()}/api/v1/series`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ runs: [{ project: "life", run: id }], metrics: ["loss"] }),
  });
  const { series } = SeriesResponse.parse(await response.json());
  const { step = [], last = [] } = series[0]?.buckets ?? {};
  return Object.fromEntries(step.map((at, i) => [at, last[i] as number]));
}

describe("a fork", () => {
  test("begins with its parent's history below the step, and goes its own way", async () => {
    await finished({ id: "parent" }, (run) => {
      for (let step = 0; step < 10; step++) run.log({ loss: step }, { step });
      run.logTensor("w", [1, 2], { step: 3 });
      run.checkpoint({ step: 4, path: "/c/4" });
      run.checkpoint({ step: 8, path: "/c/8" });
    });
    await finished({ id: "child", forkFrom: { id: "parent", step: 6 } }, (run) => {
      run.log({ loss: 60 }, { step: 6 });
      run.log({ loss: 70 }, { step: 7 });
    });
    expect(await lossOf("child")).toEqual({ 0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 60, 7: 70 });
    expect(await lossOf("parent")).toEqual(Object.fromEntries(Array.from({ length: 10 }, (_none, i) => [i, i])));
    const detail = await detailOf("life", "child");
    expect(detail.forkedFrom).toEqual({ run: "parent", step: 6 });
    expect(detail.checkpoints).toMatchObject([{ step: 4, path: "/c/4" }]);
    const tensors = await get("/projects/life/runs/child/tensors", z.object({ tensors: z.array(z.object({ name: z.string() })) }));
    expect(tensors.tensors).toMatchObject([{ name: "w" }]);
  });

  test("inherits what its parent shows, not what the parent abandoned", async () => {
    await finished({ id: "resumed" }, (run) => {
      for (let step = 0; step < 6; step++) run.log({ loss: step }, { step });
    });
    await finished({ id: "resumed", resumeStep: 3 }, (run) => run.log({ loss: 30 }, { step: 3 }));
    await finished({ id: "of-resumed", forkFrom: { id: "resumed", step: 100 } }, (run) => run.log({ loss: 400 }, { step: 4 }));
    expect(await lossOf("of-resumed")).toEqual({ 0: 0, 1: 1, 2: 2, 3: 30, 4: 400 });
  });

  test("goes on counting steps where its history ends", async () => {
    const run = open({ id: "counting", forkFrom: { id: "parent", step: 5 } });
    // The server's own address: it has answered.
    await expect.poll(() => run.url, { timeout: 20_000 }).toContain(server.http());
    run.log({ loss: 55 });
    await run.finish();
    expect(await lossOf("counting")).toMatchObject({ 4: 4, 5: 55 });
  });

  test("of a run that is not there is refused, and says so", async () => {
    const run = open({ id: "orphan", forkFrom: { id: "nobody", step: 5 } });
    run.log({ loss: 1 });
    expect(await run.finish()).toMatchObject({ dropped: { "run refused": 1 } });
  });
});

describe("ranks", () => {
  test("any rank may come first, and the last step of each is told", async () => {
    const ranks = [2, 0, 1].map((rank) => open({ id: "world", rank, worldSize: 3 }));
    ranks.forEach((run, i) => {
      for (let step = 0; step <= 10 * (i + 1); step++) run.log({ loss: step }, { step });
    });
    const steps = async (): Promise<unknown> =>
      (await detailOf("life", "world")).rankStates.map(({ rank, state, lastStep }) => [rank, state, lastStep]);
    await expect.poll(steps, { timeout: 20_000 }).toEqual([
      [0, "running", 20],
      [1, "running", 30],
      [2, "running", 10],
    ]);
    await Promise.all(ranks.map((run) => run.finish()));
    expect((await detailOf("life", "world")).state).toBe("finished");
  });

  test("a smaller world that takes over after a rank died ends the run", async () => {
    const child = spawn(process.execPath, ["--conditions=source", script, server.grpc(), "shrunk", "wait"], {
      env: { ...process.env, RANK: "1", WORLD_SIZE: "2", GRADWATCH_PROJECT: "life" },
      stdio: "ignore",
    });
    await expect
      .poll(async () => (await fetch(`${server.http()}/api/v1/projects/captured/runs/shrunk`)).status, { timeout: 20_000 })
      .toBe(200);
    child.kill("SIGKILL");
    await once(child, "exit");
    await finished({ project: "captured", id: "shrunk", rank: 0, worldSize: 1 });
    expect(await detailOf("captured", "shrunk")).toMatchObject({ state: "finished", ranks: 1 });
  });
});

test("an alert of one rank reaches the listeners of the others", async () => {
  const heard: Alert[] = [];
  const [first, second] = [open({ id: "told", rank: 0, worldSize: 2 }), open({ id: "told", rank: 1, worldSize: 2 })];
  second.onAlert((alert) => heard.push(alert));
  second.log({ loss: 1 });
  const isThere = async (): Promise<number> => (await fetch(`${server.http()}/api/v1/projects/life/runs/told`)).status;
  await expect.poll(isThere, { timeout: 20_000 }).toBe(200);
  first.log({ loss: 1 });
  first.alert({ title: "disk is filling up", level: "high" });
  await expect
    .poll(() => heard, { timeout: 20_000 })
    .toMatchObject([{ rule: "user-alert", title: "disk is filling up", level: "high", rank: 0 }]);
  await Promise.all([first.finish(), second.finish()]);
});

test("runs of one process under one job id are runs of their own", async () => {
  process.env["SLURM_JOB_ID"] = "4711";
  try {
    const [first, second] = [open({}), open({})];
    first.log({ loss: 1 });
    second.log({ loss: 2 });
    await Promise.all([first.finish(), second.finish()]);
    expect([first.id, second.id]).toEqual(["4711", "4711-2"]);
    expect([await lossOf("4711"), await lossOf("4711-2")]).toEqual([{ 0: 1 }, { 0: 2 }]);
  } finally {
    delete process.env["SLURM_JOB_ID"];
  }
});

test("the server counts what clients could not deliver, and what it did not know", async () => {
  await finished({ id: "dropping" }, (run) => {
    run.log({ loss: 1 }, { step: 1 });
    run.log({ loss: 2 }, { step: 1 });
    run.log({ loss: 3 }, { step: -1 });
  });
  expect((await detailOf("life", "dropping")).drops).toEqual([
    { reason: "wrong step", points: 1 },
    { reason: "overwritten in the same batch", points: 1 },
  ]);
  const metrics = await (await fetch(`${server.http()}/metrics`)).text();
  expect(metrics).toMatch(/gradwatch_client_dropped_points_total\{reason="wrong step"\} [1-9]/);
  expect(metrics).toMatch(/gradwatch_incidents_total\{rule="user-alert",state="firing"\} [1-9]/);
});
