// Rule loss-plateau: the loss has stopped falling while most of what it began with is still there.

import { describe, expect, test } from "vitest";
import { curve, series } from "./notation.ts";
import { lines, replay, type Story } from "./replay.ts";

const classifier = { lossKind: "cross-entropy", classes: 10 } as const;
const stuckAt = (level: number, noise: number, seed: number): number[] =>
  curve(1_000, (step) => level + (2.3 - level) * Math.exp(-step / 30), noise, seed);

interface Case {
  readonly name: string;
  readonly story: Story;
  /** The level it fires with; undefined: silent. */
  readonly level: "info" | "warn" | undefined;
}

const cases: readonly Case[] = [
  {
    name: "stuck at the level of guessing",
    story: { facts: classifier, series: { loss: curve(1_000, () => Math.log(10), 0.01) } },
    level: "warn",
  },
  { name: "stuck at 80 % of the start", story: { series: { loss: stuckAt(1.84, 0.02, 1) } }, level: "warn" },
  { name: "stuck at 45 % of the start", story: { series: { loss: stuckAt(1.03, 0.02, 2) } }, level: "info" },
  { name: "stuck, logged every 500 steps", story: { every: 500, series: { loss: stuckAt(1.84, 0.02, 3) } }, level: "warn" },
  {
    name: "stuck with a rate that was decayed already",
    story: { series: { loss: stuckAt(1.84, 0.02, 4), lr: curve(1_000, (step) => (step < 50 ? 0.1 : 0.01), 0) } },
    level: "info",
  },
  { name: "converged", story: { series: { loss: stuckAt(0.05, 0.1, 5) } }, level: undefined },
  { name: "still falling, slowly", story: { series: { loss: curve(1_000, (step) => 2.3 - 0.001 * step, 0.02, 6) } }, level: undefined },
  {
    name: "falling in power law, as language models do",
    story: { series: { loss: curve(3_000, (step) => 1.5 + 8 * (step + 10) ** -0.3, 0.01, 7) } },
    level: undefined,
  },
  {
    name: "a plateau that is left before it has lasted a fifth of the run",
    story: {
      facts: { plannedSteps: 2_000 },
      series: { loss: [...series("2.3x250"), ...curve(700, (step) => 0.2 + 2 * Math.exp(-step / 60), 0.02)] },
    },
    level: undefined,
  },
  {
    name: "so noisy that flat and falling cannot be told apart",
    story: { series: { loss: curve(1_000, () => 2, 0.8, 8) } },
    level: undefined,
  },
  {
    name: "negative losses: how much remains cannot be known",
    story: { series: { loss: curve(1_000, () => -3, 0.01, 9) } },
    level: undefined,
  },
  { name: "a loss of zero", story: { series: { loss: series("0x999") } }, level: undefined },
  { name: "a reward that should rise is nobody's loss", story: { series: { reward: curve(1_000, () => 2, 0.01, 10) } }, level: undefined },
  {
    name: "a rate that is still warmed up",
    story: {
      facts: { plannedSteps: 5_000 },
      series: { loss: curve(1_000, () => 2.3, 0.01, 11), lr: curve(1_000, (step) => step * 1e-5, 0) },
    },
    level: undefined,
  },
  {
    name: "a loss that rises diverges: another trouble",
    story: { series: { loss: curve(1_000, (step) => 2 * 1.005 ** step, 0.02, 12) } },
    level: undefined,
  },
  { name: "a few points are no trend", story: { series: { loss: curve(40, () => 2.3, 0.01, 13) } }, level: undefined },
  {
    name: "the first half of a long run",
    story: { facts: { plannedSteps: 100_000 }, series: { loss: curve(1_000, () => 2.3, 0.01, 14) } },
    level: undefined,
  },
];

describe("loss-plateau", () => {
  test.each(cases)("$name", ({ story, level }) => {
    const fired = replay(story).transitions.filter(({ rule, state }) => rule === "loss-plateau" && state !== "resolved");
    expect([...new Set(fired.map((transition) => transition.level))].at(-1)).toBe(level);
  });

  test("healthy losses of many seeds and shapes never fire", () => {
    for (let seed = 0; seed < 60; seed++) {
      const decay = 20 + 10 * (seed % 30);
      const floor = 0.1 * (seed % 5);
      const noise = 0.01 * (1 + (seed % 10));
      const { transitions } = replay(
        { series: { loss: curve(1_500, (step) => floor + 2.3 * Math.exp(-step / decay), noise, seed) } },
        { stepsPerBatch: 100 },
      );
      expect(lines(transitions, "loss-plateau")).toEqual([]);
    }
  });

  test("ends when the loss falls again", () => {
    const left = [...stuckAt(1.84, 0.01, 20), ...curve(600, (step) => 0.2 + 1.64 * Math.exp(-step / 60), 0.01, 21)];
    const said = lines(replay({ series: { loss: left } }).transitions, "loss-plateau");
    expect(said[0]).toContain("firing warn");
    expect(said.at(-1)).toContain("resolved");
  });

  test("shows statistic, threshold and the onset before the firing step", () => {
    const found = replay({ facts: classifier, series: { loss: stuckAt(1.84, 0.01, 22) } }).transitions.find(
      ({ rule }) => rule === "loss-plateau",
    );
    expect(found?.evidence.statistic.value).toBeLessThan(found?.evidence.statistic.threshold ?? -1);
    expect(found?.onsetStep).toBeLessThan(found?.firingStep ?? 0);
    expect(found?.evidence.window?.values.length).toBeGreaterThan(32);
    expect(found?.advice[0]).toContain("learning rate");
  });

  test("without a loss it is not evaluated, and says what it needs", () => {
    const { detector } = replay({ series: { "val/acc": series("0.5x9") } });
    expect(detector.status().find(({ rule }) => rule === "loss-plateau")).toMatchObject({
      status: "not-evaluated",
      needs: expect.stringContaining("loss"),
    });
  });
});
