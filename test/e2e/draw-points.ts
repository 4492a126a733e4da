// The points of a test run, as a pure function of seed and step: the test draws them again and compares.

import { seededRandom } from "../seeded-random.ts";

export interface DrawnPoints {
  readonly scalars: Record<string, number>;
  readonly tensor: Float32Array | undefined;
}

const specials = [NaN, Infinity, -Infinity, -0, 0, Number.MIN_VALUE, -Number.MAX_VALUE, 1 + Number.EPSILON];

export function drawPoints(seed: number, step: number): DrawnPoints {
  const random = seededRandom(seed * 1_000_003 + step).uniform;
  const scalars: Record<string, number> = { loss: Math.exp(-step / 200) + random() / 10, "train/acc": random() };
  if (random() < 0.3) scalars["sometimes"] = (random() - 0.5) * 10 ** Math.floor(random() * 600 - 300);
  if (random() < 0.2) scalars["special"] = specials[Math.floor(random() * specials.length)] as number;
  const tensor = step % 25 === 0 ? Float32Array.from({ length: 200 }, () => random() - 0.5) : undefined;
  return { scalars, tensor };
}
