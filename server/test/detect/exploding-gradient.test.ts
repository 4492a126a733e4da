// Rule exploding-gradient: a norm that leaves its own range by orders of magnitude while the loss does not improve.

import { describe, expect, test } from "vitest";
import { curve, series } from "./notation.ts";
import { lines, replay, type Story, tensor } from "./replay.ts";

/** A loss that falls from 2.3 towards 0.3, and a norm around 1: a healthy classifier. */
const loss = curve(200, (step) => 0.3 + 2 * Math.exp(-step / 60), 0.05, 1);
const norm = curve(200, () => 1, 0.3, 2).map(Math.abs);
/** From step 200 on: the norm multiplies, the loss climbs. */
const explodes = [...norm, ...series("8 40 300 2000 1e5")];
const climbs = [...loss, ...series("0.5 0.9 3 30 900")];

interface Case {
  readonly name: string;
  readonly story: Story;
  readonly says: readonly string[];
}

const bloom = [0.24, 0.95, 2.4, 15.9, 145, 960];
const bloomLoss = [2.2, 2.22, 2.6, 2.24, 2.35, 5.1];
const chance = { lossKind: "cross-entropy", classes: 10 } as const;

const faulty: readonly Case[] = [
  {
    name: "three steps out of range, the loss climbing",
    story: { series: { loss: climbs, grad_norm: explodes } },
    says: ["exploding-gradient firing high 201-203: gradient norm"],
  },
  {
    name: "the norm of BLOOM-176B's published spike, with its loss",
    story: {
      series: {
        loss: [...curve(100, () => 2.2, 0.01, 3), ...bloomLoss],
        grad_norm: [...curve(100, () => 0.24, 0.1, 4), ...bloom],
      },
    },
    says: ["exploding-gradient firing high 102-104: gradient norm"],
  },
  {
    name: "at initialisation: a huge norm with a loss far above chance",
    story: { facts: chance, series: { loss: series("400 390 380"), grad_norm: series("5000 4000 3000") } },
    says: ["exploding-gradient firing high 0-0: gradient norm"],
  },
  {
    name: "within the first steps: a hundredfold norm and a doubled loss",
    story: { series: { loss: series("2.3x4 9 80 900"), grad_norm: series("1x4 500 5000 50000") } },
    says: ["exploding-gradient firing high 5-6: gradient norm"],
  },
  {
    name: "logged every 500 steps",
    story: { every: 500, series: { loss: climbs, grad_norm: explodes } },
    says: ["exploding-gradient firing high 100500-101500: gradient norm"],
  },
  {
    name: "known by gradient tensors alone",
    story: {
      series: { loss: climbs },
      tensors: explodes.map((value, step) => tensor({ name: "dense/kernel", step, sumSquares: (value as number) ** 2 })),
    },
    says: ["exploding-gradient firing high 201-203: gradient norm"],
  },
];

const healthy: readonly Case[] = [
  { name: "a healthy run", story: { series: { loss, grad_norm: norm } }, says: [] },
  {
    name: "one odd batch",
    story: {
      series: { loss: [...loss, 5, ...curve(50, () => 0.35, 0.05)], grad_norm: [...norm, 400, ...curve(50, () => 1, 0.3).map(Math.abs)] },
    },
    says: [],
  },
  {
    name: "a norm that grows a hundredfold while the loss improves",
    story: {
      series: {
        loss: curve(400, (step) => 2.3 * Math.exp(-step / 100), 0.02),
        grad_norm: curve(400, (step) => 0.1 * 10 ** (step / 200), 0.2).map(Math.abs),
      },
    },
    says: [],
  },
  {
    name: "huge norms from the start that go with a loss in the thousands",
    story: {
      series: {
        loss: curve(300, (step) => 1e4 * Math.exp(-step / 80), 0.05),
        grad_norm: curve(300, (step) => 1e6 * Math.exp(-step / 80), 0.3).map(Math.abs),
      },
    },
    says: [],
  },
  {
    name: "steps that the optimiser skipped",
    story: {
      series: { loss: climbs, grad_norm: explodes },
      steps: explodes.map((_value, step) => ({ step, skipped: step >= 200 })),
    },
    says: [],
  },
  { name: "a norm of exactly zero, as frozen layers have", story: { series: { loss, grad_norm: series("0x199") } }, says: [] },
  {
    name: "warm-up: the norm rises with the learning rate, the loss falls",
    story: {
      series: {
        loss: curve(300, (step) => 10 * Math.exp(-step / 50) + 2, 0.02),
        grad_norm: curve(300, (step) => 0.5 + Math.min(step, 100) / 20, 0.2).map(Math.abs),
        lr: curve(300, (step) => Math.min(step, 100) * 1e-5, 0),
      },
    },
    says: [],
  },
];

describe("exploding-gradient", () => {
  test.each([...faulty, ...healthy])("$name", ({ story, says }) => {
    expect(lines(replay(story).transitions, "exploding-gradient")).toEqual(says);
  });

  test("noisy healthy norms of many seeds never fire", () => {
    for (let seed = 0; seed < 100; seed++) {
      const heavyTailed = curve(1_000, () => 1, 0.5, seed).map((value, i) => Math.abs(value) * (i % 97 === 0 ? 6 : 1) + 0.01);
      const { transitions } = replay(
        { series: { loss: curve(1_000, (step) => 0.3 + 2 * Math.exp(-step / 200), 0.1, seed + 1_000), grad_norm: heavyTailed } },
        { stepsPerBatch: 100 },
      );
      expect(lines(transitions, "exploding-gradient")).toEqual([]);
    }
  });

  test("ends when the norm is back, and says so", () => {
    const { transitions } = replay({
      series: { loss: [...climbs, ...curve(60, () => 0.4, 0.05)], grad_norm: [...explodes, ...curve(60, () => 1, 0.2).map(Math.abs)] },
    });
    expect(lines(transitions, "exploding-gradient")[1]).toMatch(/^exploding-gradient resolved at 2\d\d: gradient norm$/);
  });

  test("names the largest tensors and rules out the odd batch", () => {
    const tensors = explodes.flatMap((value, step) => [
      tensor({ name: "first/kernel", step, topologicalIndex: 0, sumSquares: 0.01 }),
      tensor({ name: "second/kernel", step, topologicalIndex: 1, sumSquares: (value as number) ** 2 }),
    ]);
    const { transitions } = replay({ series: { loss: climbs, grad_norm: explodes }, tensors });
    const found = transitions.find(({ rule }) => rule === "exploding-gradient");
    expect(found?.evidence.topTensors[0]?.name).toBe("second/kernel");
    expect(found?.evidence.ruledOut.join(" ")).toContain("one odd batch");
    expect(found?.evidence.statistic.value).toBeGreaterThan(found?.evidence.statistic.threshold ?? Infinity);
    expect(found?.advice[0]).toMatch(/^Clip the gradient/);
  });

  test("without a norm or gradients it is not evaluated, and says what it needs", () => {
    const { detector } = replay({ series: { loss } });
    expect(detector.status().find(({ rule }) => rule === "exploding-gradient")).toMatchObject({
      status: "not-evaluated",
      needs: expect.stringContaining("gradient norm"),
    });
  });
});
