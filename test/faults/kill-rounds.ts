// SIGKILL, over and over, while producers write: to server and engine at one moment, to the server alone, to the engine alone, and
// to a server that is still starting. Always the same data folder and ports; the producers live on.

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { ServerProcess } from "../processes/server-process.ts";
import type { Random } from "../seeded-random.ts";

/** How often of 50 each is drawn: an engine is back in half a second, a server in one and a half. */
const shares = { "engine alone": 28, "server and engine": 9, "server alone": 9, "starting server": 4 } as const;
export type Victim = keyof typeof shares;
const urn = (Object.keys(shares) as Victim[]).flatMap((victim) => Array.from({ length: shares[victim] }, () => victim));

/** From the first commit after a start to the kill. */
const WRITING_MS_MAX = 200;
/** A start takes 1 to 2 seconds: the kill meets opening, migrations, listening and being ready. */
const STARTING_MS_MAX = 1_500;
/** Back-off of SDK and server included. */
const COMMIT_WAIT_MS_MAX = 60_000;

/** Kills what the seed says, `rounds` times, and leaves a server that is ready. @returns how often each was killed */
export async function killRounds(server: ServerProcess, rounds: number, random: Random): Promise<Record<Victim, number>> {
  const killed = { "engine alone": 0, "server and engine": 0, "server alone": 0, "starting server": 0 };
  for (let round = 0; round < rounds; round++) {
    const victim = urn[random.integer(urn.length)] as Victim;
    killed[victim]++;
    await committedMore(server, 0);
    await delay(WRITING_MS_MAX * random.uniform());
    switch (victim) {
      case "server and engine":
        await server.kill();
        await server.restart();
        break;
      case "server alone":
        await server.killAlone();
        await server.restart();
        break;
      case "engine alone": {
        const before = await committedBatches(server);
        process.kill(await engineOf(server.pid()), "SIGKILL");
        await committedMore(server, before);
        break;
      }
      case "starting server": {
        await server.kill();
        const starting = server.restart().catch(() => undefined);
        await delay(STARTING_MS_MAX * random.uniform());
        await server.kill();
        await starting;
        await server.restart();
        break;
      }
    }
  }
  return killed;
}

/** Waits until something is written: only then a kill can lose anything. */
export async function committedMore(server: ServerProcess, than: number): Promise<void> {
  const deadline = Date.now() + COMMIT_WAIT_MS_MAX;
  while ((await committedBatches(server)) <= than) {
    if (Date.now() > deadline) throw new Error(`nothing was committed within ${COMMIT_WAIT_MS_MAX} ms:\n${server.log()}`);
    await delay(20);
  }
}

/** Since the server was started. */
export async function committedBatches(server: ServerProcess): Promise<number> {
  const text = await (await fetch(`${server.http()}/metrics`)).text();
  const count = /^gradwatch_batches_total (\d+)/m.exec(text)?.[1];
  if (count === undefined) throw new Error(`the metrics do not tell gradwatch_batches_total:\n${text.slice(0, 500)}`);
  return Number(count);
}

/** The engine of the moment: a server starts another when one dies. From /proc, as Linux has it. */
async function engineOf(serverPid: number): Promise<number> {
  const deadline = Date.now() + COMMIT_WAIT_MS_MAX;
  for (;;) {
    const engine = Number.parseInt(readFileSync(`/proc/${serverPid}/task/${serverPid}/children`, "utf8"), 10);
    if (engine > 0) return engine;
    if (Date.now() > deadline) throw new Error(`server ${serverPid} has no engine`);
    await delay(20);
  }
}
