// Seeded simulations: processes log, break off, come back, hop between two servers, on full disks and clocks that are set. In
// the end the store holds the newest write of every (metric, step), everything that was closed before a death, and nothing that
// was never logged or was rejected.
// A failure names its seed; GRADWATCH_SIMULATION_SEED replays it alone.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { initWith } from "../../src/init.ts";
import { spoolFolders } from "../../src/spool/spool-folder.ts";
import { syncSpool } from "../../src/spool/sync.ts";
import type { FinishReport, Run } from "../../src/index.ts";
import { createWorld, POISON, type Process, seeded, type World } from "./world.ts";

/** Age at which a batch is closed, and a task's worth of slack. */
const CLOSED_AFTER_MS = 201;
const SEEDS = process.env["GRADWATCH_TEST_LONG"] === "1" ? 100_000 : 1_000;

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "gradwatch-simulation-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Write {
  readonly key: string;
  readonly value: number;
  readonly atMs: number;
}

interface Life {
  readonly writes: Write[];
  /** When it was killed; Infinity: it finished. */
  diedMs: number;
  report: FinishReport | undefined;
}

/** One process: logs some records over some seconds, then finishes or is killed. */
async function live(
  world: World,
  process_: Process,
  spool: string,
  random: () => number,
  counter: () => number,
  mayDie: boolean,
  mayJump: boolean,
): Promise<Life> {
  const { clock } = world;
  const life: Life = { writes: [], diedMs: Number.POSITIVE_INFINITY, report: undefined };
  const run = initWith({ project: "p", id: "r", verbose: false, url: "sim:1", spool }, process_.environment, process_.connect);
  const records = 1 + Math.floor(random() * 30);
  const isKilled = mayDie && random() < 0.4;
  for (let i = 0; i < records; i++) {
    await pause(world, random() * 400);
    const step = Math.floor(random() * 20);
    const value = counter();
    if (mayJump && random() < 0.1) process_.jump((random() - 0.5) * 20_000);
    run.log({ loss: value, ...(random() < 0.3 ? { extra: value } : {}), ...(random() < 0.02 ? { [POISON]: -1 } : {}) }, { step });
    life.writes.push({ key: `0 loss ${step}`, value, atMs: clock.now() });
  }
  if (isKilled) {
    await pause(world, random() * 500);
    process_.kill();
    // What the disk refused was in memory alone.
    life.diedMs = process_.lostDisk() ? Number.NEGATIVE_INFINITY : clock.now();
    // Nobody owns what it left.
    for (const folder of readdirSync(spool)) rmSync(join(spool, folder, "owner.json"), { force: true });
    return life;
  }
  const finishing = run.finish(0, { timeoutMs: 60_000 }).then((report) => void (life.report = report));
  while (life.report === undefined && (await clock.step()));
  await finishing;
  const { pending, spooled } = life.report as FinishReport;
  // It said so: what is neither sent nor on disk ends with the process.
  if (pending > spooled) life.diedMs = Number.NEGATIVE_INFINITY;
  return life;
}

async function pause(world: World, ms: number): Promise<void> {
  let over = false;
  world.clock.later(ms, () => (over = true));
  while (!over) await world.clock.step();
}

async function simulate(seed: number): Promise<void> {
  const random = seeded(seed);
  const spool = mkdtempSync(join(root, `${seed}-`));
  const stormy = random();
  const often = (most: number): number => (random() < 0.3 ? most * stormy : 0);
  const world = createWorld(random, {
    breaks: 0.15 * stormy,
    repeats: 0.2 * stormy,
    away: 0.4 * stormy,
    halfOpen: often(0.3),
    redirects: often(0.1),
    pauses: often(0.2),
    diskFull: often(0.2),
    delayMsMax: 5 + 300 * random(),
  });
  let count = 0;
  const lives: Life[] = [];
  // One rank, process after process: a resumed run.
  const generations = 1 + Math.floor(random() * 3);
  let anySkewed = false;
  for (let i = 0; i < generations; i++) {
    // A clock that is off is made up for at OpenRun, by what the server has of the run. What a process left that died with
    // such a clock, or after another's, is beyond that: versions follow clocks.
    const isSkewed = lives.every(({ report }) => report?.pending === 0) && random() < 0.3;
    anySkewed ||= isSkewed;
    const process_ = world.startProcess(isSkewed ? (random() - 0.5) * 20_000 : 0);
    lives.push(await live(world, process_, spool, random, () => ++count, !anySkewed, isSkewed));
  }
  await settle(world, spool);

  const stored = new Map([...world.rows].filter(([key]) => key.includes(" loss ")).map(([key, { value }]) => [key, value]));
  for (const { report } of lives) {
    if (report === undefined) continue;
    expect(report.logged).toBe(
      report.acknowledged + report.rejected + report.pending + Object.values(report.dropped).reduce((a, b) => a + b, 0),
    );
  }
  const isRejected = ({ value }: Write): boolean => world.rejectedValues.has(value);
  // What a rejected write had overwritten in its batch went with it.
  const isTaken = (write: Write, own: readonly Write[]): boolean =>
    own.some(
      (other) => isRejected(other) && other.key === write.key && other.atMs >= write.atMs && other.atMs - write.atMs <= CLOSED_AFTER_MS,
    );
  const writes = lives.flatMap(({ writes: own, diedMs }) =>
    own
      .filter((write) => !isRejected(write))
      .map((write) => ({ ...write, isSure: write.atMs + CLOSED_AFTER_MS <= diedMs && !isTaken(write, own) })),
  );
  for (const [key, group] of Map.groupBy(writes, (write) => write.key)) {
    const lastSure = group.findLastIndex(({ isSure }) => isSure);
    const allowed = group.slice(Math.max(lastSure, 0)).map(({ value }) => value);
    if (lastSure >= 0) expect(allowed).toContain(stored.get(key));
    else if (stored.has(key)) expect(allowed).toContain(stored.get(key));
  }
  expect([...stored.keys()].filter((key) => !writes.some((write) => write.key === key))).toEqual([]);
  rmSync(spool, { recursive: true, force: true });
}

/** Heals the world and sends what is left, until nothing is. */
async function settle(world: World, spool: string): Promise<void> {
  world.heal();
  const said: string[] = [];
  for (let round = 0; round < 5; round++) {
    const process_ = world.startProcess();
    for (const folder of readdirSync(spool)) rmSync(join(spool, folder, "owner.json"), { force: true });
    let done = false;
    const syncing = syncSpool({
      root: spool,
      environment: process_.environment,
      connect: process_.connect,
      progress: () => undefined,
      say: (line) => void said.push(line),
    }).then(() => (done = true));
    // Late arrivals of other senders as well.
    for (let idle = 0; idle < 20;) idle = (await world.clock.step()) ? 0 : idle + 1;
    await syncing;
    expect(done).toBe(true);
    if (spoolFolders(spool).length === 0) return;
  }
  throw new Error(`${spoolFolders(spool).join(", ")} cannot be sent: ${said.join("; ")}`);
}

test(`${SEEDS} seeds`, { timeout: 1_800_000 }, async () => {
  const only = process.env["GRADWATCH_SIMULATION_SEED"];
  const seeds = only === undefined ? Array.from({ length: SEEDS }, (_none, i) => i + 1) : [Number(only)];
  for (const seed of seeds) {
    const failure = await simulate(seed).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure, `replay it with GRADWATCH_SIMULATION_SEED=${seed} npm test -- simulation`).toBeUndefined();
  }
});

/** A world in which nothing breaks. */
const calm = { breaks: 0, repeats: 0, away: 0, halfOpen: 0, redirects: 0, pauses: 0, diskFull: 0, delayMsMax: 5 };
const startRun = (process_: Process, spool: string): Run =>
  initWith({ project: "p", id: "r", verbose: false, url: "sim:1", spool }, process_.environment, process_.connect);
async function finish(world: World, run: Run): Promise<void> {
  let done = false;
  const finishing = run.finish(0, { timeoutMs: 60_000 }).then(() => (done = true));
  while (!done && (await world.clock.step()));
  await finishing;
}
const leave = (spool: string): void => {
  for (const folder of readdirSync(spool)) rmSync(join(spool, folder, "owner.json"), { force: true });
};

test("an hour without a server dates nothing an hour ahead: what another process writes later wins", async () => {
  const spool = mkdtempSync(join(root, "hour-"));
  const world = createWorld(seeded(1), { ...calm, away: 1 });
  const first = world.startProcess();
  const run = startRun(first, spool);
  run.log({ loss: 1 }, { step: 1 });
  await pause(world, 3_600_000);
  world.heal();
  await pause(world, 20_000);
  expect(world.rows.size).toBe(1);
  // The second does not get through before its process dies.
  world.set({ away: 1, breaks: 1 });
  run.log({ loss: 2 }, { step: 2 });
  await pause(world, CLOSED_AFTER_MS);
  first.kill();
  leave(spool);
  world.heal();
  const second = world.startProcess();
  const next = startRun(second, mkdtempSync(join(root, "elsewhere-")));
  await pause(world, 1_000);
  next.log({ loss: 3 }, { step: 2 });
  await finish(world, next);
  await settle(world, spool);
  expect([...world.rows].map(([key, { value }]) => [key, value])).toEqual([
    ["0 loss 1", 1],
    ["0 loss 2", 3],
  ]);
});

test("what was never sent keeps its date, though its opening reached the server after its death", async () => {
  const spool = mkdtempSync(join(root, "late-"));
  const world = createWorld(seeded(1), { ...calm, delayMsMax: 60_000 });
  const first = world.startProcess();
  const run = startRun(first, spool);
  world.set({ delayMsMax: 5 });
  run.log({ loss: 1 }, { step: 1 });
  await pause(world, CLOSED_AFTER_MS);
  first.kill();
  leave(spool);
  const second = world.startProcess();
  const next = startRun(second, mkdtempSync(join(root, "elsewhere-")));
  next.log({ loss: 2 }, { step: 1 });
  await finish(world, next);
  expect([...world.rows.values()].map(({ value }) => value)).toEqual([2]);
  // The first opening arrives.
  await pause(world, 60_000);
  await settle(world, spool);
  expect([...world.rows.values()].map(({ value }) => value)).toEqual([2]);
});
