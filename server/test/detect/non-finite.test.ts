// Rule non-finite: every NaN and Inf that is logged is reported, at once, and called critical only where training is hit.

import { describe, expect, test } from "vitest";
import { series } from "./notation.ts";
import { lines, replay, type Story, tensor } from "./replay.ts";

const TRAINING = "training (loss, weights, gradients)";
const SKIPPED = "skipped steps (loss scaling)";

interface Case {
  readonly name: string;
  readonly story: Story;
  readonly says: readonly string[];
}

const cases: readonly Case[] = [
  { name: "a finite run", story: { series: { loss: series("2-0.01x99"), "val/acc": series("_x98 0.9") } }, says: [] },
  {
    name: "NaN in the loss",
    story: { series: { loss: series("2 1.9 nan") } },
    says: [`non-finite firing critical 2-2: ${TRAINING}`],
  },
  {
    name: "+Inf in the loss is as bad",
    story: { series: { "train/loss": series("2 inf 3") } },
    says: [`non-finite firing critical 1-1: ${TRAINING}`],
  },
  {
    name: "NaN in the gradient norm",
    story: { series: { loss: series("2x3"), grad_norm: series("1 1 nan 1") } },
    says: [`non-finite firing critical 2-2: ${TRAINING}`],
  },
  {
    name: "NaN in a metric that no rule depends on: many log it for an absent value",
    story: { series: { loss: series("2x3"), "custom/score": series("nanx3") } },
    says: ["non-finite firing info 0-0: custom/score"],
  },
  {
    name: "NaN in a validation loss says nothing of training",
    story: { series: { loss: series("2x3"), val_loss: series("_ _ nan") } },
    says: ["non-finite firing info 2-2: val_loss"],
  },
  {
    name: "NaN in a gradient tensor, before the loss shows it",
    story: { series: { loss: series("2x3") }, tensors: [tensor({ name: "dense/kernel", step: 2, nan: 5 })] },
    says: [`non-finite firing critical 2-2: ${TRAINING}`],
  },
  {
    name: "−Inf in an activation is an attention mask",
    story: {
      series: { loss: series("2x3") },
      tensors: [tensor({ name: "attention/scores", kind: "activation", step: 1, negativeInfinity: 40 })],
    },
    says: ["non-finite firing info 1-1: tensors (inputs, activations)"],
  },
  {
    name: "an Inf gradient of a step that the optimiser skipped: dynamic loss scaling at work",
    story: {
      series: { loss: series("2x5") },
      tensors: [tensor({ name: "dense/kernel", step: 2, positiveInfinity: 1 })],
      steps: [0, 1, 2, 3, 4, 5].map((step) => ({ step, skipped: step === 2 })),
    },
    says: [`non-finite firing info 2-2: ${SKIPPED}`],
  },
];

describe("non-finite", () => {
  test.each(cases)("$name", ({ story, says }) => {
    expect(lines(replay(story).transitions, "non-finite")).toEqual(says);
  });

  test("names the first non-finite tensor in topological order, whatever order they come in", () => {
    const tensors = [3, 1, 2].map((index) => tensor({ name: `layer_${index}/kernel`, step: 4, topologicalIndex: index, nan: 7 }));
    const { transitions } = replay({ series: { loss: series("2x6") }, tensors });
    const last = transitions.at(-1);
    expect(last?.message).toContain("layer_1/kernel");
    expect(last?.evidence.topTensors[0]?.name).toBe("layer_1/kernel");
  });

  test("an input that is not finite is the first cause of a loss that is not", () => {
    const tensors = [tensor({ name: "images", kind: "input", step: 3, nan: 1 })];
    const { transitions } = replay({ series: { loss: series("2x2 nan") }, tensors });
    expect(lines(transitions, "non-finite").some((line) => line.includes("critical"))).toBe(true);
    expect(transitions.map(({ message }) => message).join(" ")).toContain("images");
  });

  test("one NaN is one incident, however many follow, and it ends when the series is finite for a while", () => {
    const { transitions } = replay({ series: { loss: series("2 nanx9 2x9") } });
    expect(lines(transitions, "non-finite")).toEqual([
      `non-finite firing critical 1-1: ${TRAINING}`,
      `non-finite resolved at 15: ${TRAINING}`,
    ]);
  });

  test("what comes back is the same incident again", () => {
    const { transitions } = replay({ series: { loss: series("2 nan 2x9 nan") } });
    const [first, , again] = transitions.filter(({ rule }) => rule === "non-finite");
    expect(again?.state).toBe("firing");
    expect([again?.rule, again?.subject, again?.rank]).toEqual([first?.rule, first?.subject, first?.rank]);
  });

  test("points that come late or in any order are seen", () => {
    const { transitions } = replay([{ series: { loss: series("2x50") } }, { series: { loss: series("nan") }, firstStep: 20 }]);
    expect(lines(transitions, "non-finite")).toEqual([`non-finite firing critical 20-20: ${TRAINING}`]);
  });

  test("a metric that its owner ignores is ignored", () => {
    const { detector } = replay({ series: {} });
    const values = Float64Array.of(Number.NaN);
    const batch = { rank: 0, session: 1, tensors: [], steps: [], classes: [], checkpoints: [] };
    const column = { metric: "noise", role: "ignored" as const, steps: Float64Array.of(0), times: Float64Array.of(0), values };
    expect(detector.observe({ ...batch, scalars: [column] })).toEqual([]);
  });

  test("the evidence shows the last good checkpoint, the batch and the values", () => {
    const { transitions } = replay({
      series: { loss: series("3 2 1 nan") },
      steps: [{ step: 3, batchId: "shard-7" }],
      checkpoints: [
        { step: 1, path: "a" },
        { step: 2, path: "b" },
        { step: 3, path: "c" },
      ],
    });
    const found = transitions.find(({ level }) => level === "critical");
    expect(found?.lastCheckpoint).toEqual({ step: 2, path: "b" });
    expect(found?.evidence.window).toMatchObject({ series: "loss", steps: [0, 1, 2, 3] });
    expect(found?.advice.length).toBeGreaterThan(2);
  });
});
