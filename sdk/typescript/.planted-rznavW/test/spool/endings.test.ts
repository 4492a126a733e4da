// However a training process ends while its server is away: what it logged is on disk, and is sent later, once, with the
// right end of the run.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RunOutcome } from "@gradwatch/proto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Peer, scalarsOf, startPeer } from "../scripted-peer.ts";

const execute = promisify(execFile);
const room = fileURLToPath(new URL("../..", import.meta.url));
const syncCommand = join(room, "src/sync-command.ts");
let spool: string;
let scripts: string;
const peers: Peer[] = [];
beforeEach(() => {
  spool = mkdtempSync(join(tmpdir(), "gradwatch-endings-"));
  // Inside the room, so that the packages are found.
  scripts = mkdtempSync(join(room, "test", ".endings-"));
});
afterEach(() => {
  peers.splice(0).forEach((peer) => peer.stop());
  rmSync(spool, { recursive: true, force: true });
  rmSync(scripts, { recursive: true, force: true });
});

const NOWHERE = "127.0.0.1:9";
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, GRADWATCH_SPOOL: spool });

/** Logs 2 000 points and tells; then does what is given. */
function train(
  after: string,
  { mode = "online", url = NOWHERE, id = "r" } = {},
): { child: ChildProcess; logged: Promise<void>; ended: Promise<{ code: number | null; signal: string | null; stderr: string }> } {
  const file = join(scripts, `${id}.mjs`);
  writeFileSync(
    file,
    `import { init } from "@gradwatch/sdk";
    const run = init({ project: "p", id: "${id}", url: "${url}", mode: "${mode}", config: { lr: 0.1 } });
    for (let step = 0; step < 1000; step++) run.log({ loss: step / 7, acc: -step }, { step });
    console.log("logged");
    ${after}`,
  );
  const child = spawn(process.execPath, ["--conditions=source", file], { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const logged = once(child.stdout, "data").then(() => undefined);
  const ended = once(child, "close").then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null, stderr }));
  return { child, logged, ended };
}

async function peer(): Promise<Peer> {
  const started = await startPeer();
  peers.push(started);
  return started;
}

async function sync(...args: string[]): Promise<{ code: number; said: string }> {
  try {
    const { stderr } = await execute(process.execPath, ["--conditions=source", syncCommand, ...args], { env: environment() });
    return { code: 0, said: stderr };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { code, said: stderr };
  }
}

const allPoints = expect.objectContaining({ length: 2_000 });
const stay = "setInterval(() => undefined, 1000);";

describe("nothing that was logged is lost", () => {
  test.each([
    { name: "by process.exit", after: "process.exit(7);", outcome: RunOutcome.FAILED, exitCode: 7, code: 7, signal: null },
    { name: "by coming to its end", after: "", outcome: RunOutcome.FINISHED, exitCode: 0, code: 0, signal: null },
    {
      name: "by an exception",
      after: 'throw new RangeError("shapes differ");',
      outcome: RunOutcome.FAILED,
      exitCode: 1,
      code: 1,
      signal: null,
    },
    {
      name: "by a rejection that nobody handles",
      after: 'await Promise.reject(new Error("no data"));',
      outcome: RunOutcome.FAILED,
      exitCode: 1,
      code: 1,
      signal: null,
    },
    { name: "by SIGTERM", after: stay, kill: "SIGTERM" as const, outcome: RunOutcome.KILLED, code: null, signal: "SIGTERM" },
    { name: "by Ctrl-C", after: stay, kill: "SIGINT" as const, outcome: RunOutcome.KILLED, code: null, signal: "SIGINT" },
  ])("when the process ends $name", async ({ after, kill, outcome, exitCode, code, signal }) => {
    const training = train(after);
    await training.logged;
    if (kill !== undefined) training.child.kill(kill);
    expect(await training.ended).toMatchObject({ code, signal });
    const server = await peer();
    const { code: synced, said } = await sync("--url", server.address);
    expect(said).toContain("2000 points sent");
    expect(synced).toBe(0);
    expect(scalarsOf(server.batches)).toEqual(allPoints);
    expect(server.closes).toHaveLength(1);
    expect(server.closes[0]).toMatchObject({ outcome, ...(exitCode === undefined ? {} : { exitCode }) });
    expect(readdirSync(spool)).toEqual([]);
  });

  test("and the exception that ended it is told", async () => {
    await train('throw new RangeError("shapes differ");').ended;
    const server = await peer();
    await sync("--url", server.address);
    expect(server.closes[0]?.error).toBe("RangeError: shapes differ");
    expect(server.closes[0]?.stack).toContain("r.mjs");
  });

  test("but the last moment, when the process is SIGKILLed", async () => {
    const training = train(`let step = 1000; setInterval(() => run.log({ loss: step }, { step: step++ }), 1); ${stay}`);
    await training.logged;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    training.child.kill("SIGKILL");
    await training.ended;
    const server = await peer();
    await sync("--url", server.address);
    const steps = scalarsOf(server.batches)
      .filter(({ metric }) => metric === "loss")
      .map(({ step }) => step);
    expect(steps).toEqual(Array.from({ length: steps.length }, (_none, step) => step));
    expect(steps.length).toBeGreaterThan(1_300);
    // How it ended nobody could say: the server will call it crashed.
    expect(server.closes).toEqual([]);
  });
});

describe("gradwatch-sync", () => {
  test("sends what an offline run kept, and a second time finds nothing", async () => {
    await train("await run.finish();", { mode: "offline" }).ended;
    const server = await peer();
    expect(await sync("--url", server.address)).toMatchObject({ code: 0, said: expect.stringContaining("2000 points sent") });
    expect(await sync("--url", server.address)).toMatchObject({ code: 0, said: expect.stringContaining(" 0 points sent") });
    expect(server.closes[0]?.outcome).toBe(RunOutcome.FINISHED);
  });

  test("broken off in the middle and repeated, sends the same batches of the same producer", async () => {
    const half =
      "for (let part = 1; part < 6; part++) { await new Promise((r) => setTimeout(r, 250)); for (let i = 0; i < 100; i++) run.log({ loss: i }, { step: part * 1000 + i }); }";
    await train(`${half} await run.finish();`, { mode: "offline" }).ended;
    let [acknowledged, brokenOff] = [0, false];
    const flaky = await startPeer({
      batch(batch, stream) {
        if (acknowledged === 2 && !brokenOff) {
          brokenOff = true;
          stream.breakOff();
        } else {
          acknowledged += 1;
          stream.ack(batch.seq);
        }
      },
    });
    peers.push(flaky);
    expect((await sync("--url", flaky.address)).code).toBe(1);
    expect((await sync("--url", flaky.address)).code).toBe(0);
    const bySeq = Map.groupBy(flaky.batches, ({ seq }) => seq);
    for (const sent of bySeq.values()) for (const batch of sent) expect(batch).toEqual(sent[0]);
    expect(scalarsOf(flaky.batches)).toHaveLength(2_500);
    expect(new Set(flaky.opens.map(({ producer }) => Buffer.from(producer).toString("hex"))).size).toBe(1);
  });

  test("leaves a run alone that still logs", async () => {
    const training = train(stay);
    await training.logged;
    await expect.poll(() => readdirSync(spool).length).toBe(1);
    const server = await peer();
    expect(await sync("--url", server.address)).toMatchObject({ code: 1, said: expect.stringContaining("1 runs stay") });
    expect(server.batches).toEqual([]);
    training.child.kill("SIGKILL");
    await training.ended;
  });

  test("a server that is away keeps everything where it is", async () => {
    await train("await run.finish();", { mode: "offline" }).ended;
    expect(await sync("--url", NOWHERE)).toMatchObject({ code: 1, said: expect.stringContaining("is away") });
    const server = await peer();
    expect((await sync("--url", server.address)).said).toContain("2000 points sent");
  });

  test("the next run on the machine sends what an earlier one left for the same server", async () => {
    const server = await peer();
    const { address } = server;
    server.stop();
    await train("process.exit(0);", { url: address, id: "earlier" }).ended;
    const again = await startPeer({}, Number(address.split(":")[1]));
    peers.push(again);
    await train("await new Promise((resolve) => setTimeout(resolve, 1500)); await run.finish();", { url: address, id: "later" }).ended;
    expect(new Set(again.opens.map(({ runId }) => runId))).toEqual(new Set(["later", "earlier"]));
    expect(
      scalarsOf(
        again.batches.filter(({ producer }) =>
          Buffer.from(producer).equals(Buffer.from(again.closes.find(({ runId }) => runId === "earlier")?.producer ?? [])),
        ),
      ).length,
    ).toBe(2_000);
    expect(readdirSync(spool)).toEqual([]);
  });
});

describe("folders", () => {
  test("are the user's alone, and gone after a finish", async () => {
    const training = train(stay);
    await training.logged;
    await expect.poll(() => readdirSync(spool).length).toBe(1);
    const folder = join(spool, readdirSync(spool)[0] as string);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    await expect.poll(() => readdirSync(folder).some((name) => name.endsWith(".seg"))).toBe(true);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
    training.child.kill("SIGKILL");
    await training.ended;
    rmSync(folder, { recursive: true });
    const server = await peer();
    await train("await run.finish();", { url: server.address, id: "done" }).ended;
    expect(readdirSync(spool)).toEqual([]);
  });

  test("one that cannot be made costs a warning; points go on in memory", async () => {
    writeFileSync(join(spool, "a-file"), "");
    spool = join(spool, "a-file");
    const server = await peer();
    const { stderr, code } = await train("await run.finish();", { url: server.address }).ended;
    expect(code).toBe(0);
    expect(stderr.match(/cannot be written/g)).toHaveLength(1);
    expect(scalarsOf(server.batches)).toEqual(allPoints);
    expect(existsSync(spool)).toBe(true);
    spool = join(spool, "..");
  });
});
