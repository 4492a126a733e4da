// Hundreds of broken connections between SDK and server: when they hold again, everything that was logged is acknowledged, and
// stored once, bit for bit. A half-open connection on which the server is silent is a lost acknowledgement.

import { afterEach, expect, test } from "vitest";
import { localKey } from "../processes/local-key.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { startServer, type ServerProcess } from "../processes/server-process.ts";
import { seededRandom } from "../seeded-random.ts";
import { drawFault, type FaultyProxy, startFaultyProxy } from "./faulty-proxy.ts";
import { type Producers, startProducers, wrongIn } from "./producers.ts";
import { faultSeed } from "./stored-through-kills.ts";

const FAULTS = process.env["GRADWATCH_TEST_LONG"] === "1" ? 5_000 : 300;

const running: { server?: ServerProcess; proxy?: FaultyProxy; producers?: Producers } = {};
afterEach(async () => {
  running.producers?.dispose();
  await running.proxy?.close();
  await running.server?.dispose();
});

test(`${FAULTS} connections delayed, cut, reset and half-open`, { timeout: 1_800_000 }, async () => {
  const seed = faultSeed(2);
  const random = seededRandom(seed);
  const server = (running.server = await startServer());
  const port = Number(server.grpc().split(":")[1]);
  const proxy = (running.proxy = await startFaultyProxy({ target: () => port, draw: () => drawFault(random) }));
  const producers = (running.producers = await startProducers({
    url: proxy.address,
    apiKey: localKey(server.grpc()),
    processes: 2,
    runsEach: 8,
    seed,
    pauseMs: 80,
  }));
  const broken = (): number => [...proxy.broken.values()].reduce((sum, count) => sum + count, 0);
  await expect.poll(broken, { timeout: 1_000_000, interval: 50 }).toBeGreaterThanOrEqual(FAULTS);
  proxy.heal();
  const logged = await producers.finish();
  await server.kill();
  const storage = await openDataFolder(server.dataFolder);
  try {
    expect(await wrongIn(storage.store, logged), `GRADWATCH_FAULT_SEED=${seed}`).toEqual([]);
  } finally {
    await storage.close();
  }
  expect([...proxy.broken.keys()].sort()).toEqual(["cut", "delay", "reset", "silent client", "silent server"]);
});
