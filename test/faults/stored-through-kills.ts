// One plan of kills from its first round to the comparison.

import { seededRandom } from "../seeded-random.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { startServer } from "../processes/server-process.ts";
import { killRounds } from "./kill-rounds.ts";
import { startProducers, wrongIn } from "./producers.ts";

/** The seed of a test's faults; GRADWATCH_FAULT_SEED gives another. */
export const faultSeed = (seed: number): number => Number(process.env["GRADWATCH_FAULT_SEED"] ?? seed);

/** @returns what is wrong with the store afterwards, in words */
export async function storedThroughKills(rounds: number, seed: number): Promise<string[]> {
  const server = await startServer();
  const producers = await startProducers({ url: server.grpc(), processes: 2, runsEach: 3, seed });
  try {
    const killed = await killRounds(server, rounds, seededRandom(seed));
    const logged = await producers.finish();
    // Once more: what is acknowledged needs no orderly end.
    await server.kill();
    const storage = await openDataFolder(server.dataFolder);
    try {
      const never = Object.entries(killed).filter(([, times]) => times === 0);
      return [...never.map(([victim]) => `${victim} was never killed`), ...(await wrongIn(storage.store, logged))];
    } finally {
      await storage.close();
    }
  } finally {
    producers.dispose();
    await server.dispose();
  }
}
