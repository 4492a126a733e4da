// What a store must hold of a test run: drawn again, by the same seed.

import { drawPoints } from "./draw-points.ts";
import { bitsOf, type FullExport } from "./full-export.ts";

export function expectedPoints(seed: number, steps: number, stepFrom = 0): FullExport["points"] {
  const points: { metric: string; step: number; bits: string }[] = [];
  for (let step = stepFrom; step < stepFrom + steps; step++) {
    for (const [metric, value] of Object.entries(drawPoints(seed, step).scalars)) points.push({ metric, step, bits: bitsOf(value) });
  }
  return points.sort((a, b) => (a.metric < b.metric ? -1 : a.metric > b.metric ? 1 : a.step - b.step));
}

export const expectedTensors = (steps: number): FullExport["tensors"] =>
  Array.from({ length: Math.ceil(steps / 25) }, (_none, i) => ({ name: "dense/kernel", step: i * 25, elements: 200 }));
