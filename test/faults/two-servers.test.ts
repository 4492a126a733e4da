// Two servers behind one ClickHouse, and producers that hop between them: every connection breaks soon, the next goes to the other
// server, and now and then one of the two is SIGKILLed. What both have got is stored once.

import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { localKey } from "../processes/local-key.ts";
import { startServer, type ServerProcess } from "../processes/server-process.ts";
import { seededRandom } from "../seeded-random.ts";
import { drawFault, startFaultyProxy } from "./faulty-proxy.ts";
import { startProducers, wrongIn } from "./producers.ts";
import { startSharedEngine } from "./shared-engine.ts";
import { faultSeed } from "./stored-through-kills.ts";

const KILLS = process.env["GRADWATCH_TEST_LONG"] === "1" ? 60 : 4;
const HOPS_BETWEEN_KILLS = 25;

const opened: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

test(`${KILLS * HOPS_BETWEEN_KILLS} hops, and ${KILLS} times one of the two SIGKILLed`, { timeout: 1_800_000 }, async () => {
  const seed = faultSeed(4);
  const random = seededRandom(seed);
  const engine = await startSharedEngine();
  opened.push(() => engine.stop());
  const start = async (): Promise<ServerProcess> => {
    const server = await startServer({ environment: engine.environment(engine.url()) });
    opened.push(() => server.dispose());
    return server;
  };
  // At once: both find an empty database, and migrate it.
  const servers = await Promise.all([start(), start()]);
  const ports = servers.map((server) => Number(server.grpc().split(":")[1]));
  let hops = 0;
  const proxy = await startFaultyProxy({
    target: () => ports[hops++ % ports.length] as number,
    draw: () => drawFault(random),
  });
  opened.push(() => proxy.close());
  const producers = await startProducers({
    url: proxy.address,
    apiKey: localKey(servers[0].grpc()),
    processes: 2,
    runsEach: 4,
    seed,
    pauseMs: 80,
  });
  opened.push(() => producers.dispose());

  for (let kill = 1; kill <= KILLS; kill++) {
    await expect.poll(() => hops, { timeout: 600_000, interval: 20 }).toBeGreaterThanOrEqual(kill * HOPS_BETWEEN_KILLS);
    const victim = servers[kill % servers.length] as ServerProcess;
    await victim.kill();
    await delay(500 * random.uniform());
    await victim.restart();
  }
  proxy.heal();
  const logged = await producers.finish();
  await Promise.all(servers.map((server) => server.kill()));
  const storage = await engine.open();
  try {
    expect(await wrongIn(storage.store, logged), `GRADWATCH_FAULT_SEED=${seed}`).toEqual([]);
  } finally {
    await storage.close();
  }
});
