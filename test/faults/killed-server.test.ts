// The server and its engine SIGKILLed 50 times at random moments while several processes log: everything that was logged is
// acknowledged in the end, and stored once, bit for bit. GRADWATCH_FAULT_SEED replays a plan; its moments are the machine's.

import { expect, test } from "vitest";
import { faultSeed, storedThroughKills } from "./stored-through-kills.ts";

test("SIGKILLed at 50 random moments while two processes write six runs", { timeout: 600_000 }, async () => {
  const seed = faultSeed(1);
  expect(await storedThroughKills(50, seed), `GRADWATCH_FAULT_SEED=${seed}`).toEqual([]);
});
