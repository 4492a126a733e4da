// As killed-server.test.ts, longer: ten plans of 100 kills.

import { expect, test } from "vitest";
import { faultSeed, storedThroughKills } from "./stored-through-kills.ts";

test.each(Array.from({ length: 10 }, (_none, i) => faultSeed(1_000) + i))("SIGKILLed at 100 random moments (seed %i)", async (seed) => {
  expect(await storedThroughKills(100, seed), `GRADWATCH_FAULT_SEED=${seed}`).toEqual([]);
});
