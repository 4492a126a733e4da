// What holds for every rule, over stories that are drawn: cutting into batches, stopping and going on, late points,
// bounded memory, the invariances that a rule declares.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../../src/detect/catalogue.ts";
import { createRunDetector } from "../../src/detect/engine.ts";
import type { ObservationBatch } from "../../src/detect/observation.ts";
import type { Invariance } from "../../src/detect/rule.ts";
import type { Transition } from "../../src/detect/transition.ts";
import { curve, series } from "./notation.ts";
import { batchesOf, replay, type Story, tensor } from "./replay.ts";

/** A training with trouble or without: falls, then is flat, spikes, explodes or breaks. */
const drawnStory = fc
  .record({
    seed: fc.nat(),
    length: fc.integer({ min: 20, max: 400 }),
    floor: fc.double({ min: 0, max: 2, noNaN: true }),
    noise: fc.double({ min: 0, max: 0.2, noNaN: true }),
    end: fc.constantFrom("calm", "nan", "explosion", "spike", "skipped"),
    tensors: fc.boolean(),
    plannedSteps: fc.option(fc.integer({ min: 100, max: 1_000 }), { nil: undefined }),
  })
  .map(({ seed, length, floor, noise, end, tensors, plannedSteps }): Story => {
    const loss = curve(length, (step) => floor + 2 * Math.exp(-step / 50), noise, seed);
    const norm = curve(length, () => 1, 0.3, seed + 1).map(Math.abs);
    const trouble = { calm: "0.5x5", nan: "nanx3 1", explosion: "3 30 300 3e3 inf nan", spike: "9 0.5", skipped: "0.5 nan 0.5" }[end];
    const troubled = { calm: "1x5", nan: "nanx3 1", explosion: "50 500 5e3 5e4 5e5 nan", spike: "90 1", skipped: "1 inf 1" }[end];
    const total = length + series(trouble).length;
    return {
      series: { loss: [...loss, ...series(trouble)], grad_norm: [...norm, ...series(troubled)], custom: series("1x3 nan 2x9") },
      steps: end === "skipped" ? Array.from({ length: total }, (_none, step) => ({ step, skipped: step === length + 1 })) : [],
      tensors: tensors
        ? Array.from({ length: total }, (_none, step) =>
            tensor({ name: `layer_${step % 3}/kernel`, step, nan: end === "nan" && step > length ? 3 : 0 }),
          )
        : [],
      ...(plannedSteps === undefined ? {} : { facts: { plannedSteps } }),
    };
  });

const told = (batches: readonly ObservationBatch[]): Transition[] => {
  const detector = createRunDetector();
  return [...batches.flatMap((batch) => detector.observe(batch)), ...detector.finish()];
};

/** Transitions within one batch may be reported together; what they say, and in which order, may not differ. */
const said = (transitions: readonly Transition[]): string[] =>
  transitions
    .filter(({ state }) => state !== "updated")
    .map(({ rule, state, subject, rank, onsetStep, resolvedStep }) => `${rule} ${state} ${subject} ${rank} ${onsetStep} ${resolvedStep}`)
    .sort();

describe("a detector", () => {
  test("says the same however the stream is cut into batches", () => {
    fc.assert(
      fc.property(drawnStory, fc.integer({ min: 1, max: 50 }), (story, size) => {
        expect(said(told(batchesOf(story, size)))).toEqual(said(told(batchesOf(story, 7))));
      }),
      { numRuns: 60 },
    );
  });

  test("stopped anywhere and restored from its snapshot, says what one that never stopped says", () => {
    fc.assert(
      fc.property(drawnStory, drawnStory, fc.array(fc.nat(1_000), { minLength: 1, maxLength: 4 }), (first, second, stops) => {
        // Two ranks in turn.
        const [a, b] = [batchesOf({ ...first, rank: 0 }, 13), batchesOf({ ...second, rank: 1 }, 13)];
        const batches = Array.from({ length: Math.max(a.length, b.length) }, (_none, i) => [a[i], b[i]])
          .flat()
          .filter((batch) => batch !== undefined);
        let detector = createRunDetector();
        const transitions: Transition[] = [];
        batches.forEach((batch, i) => {
          if (stops.some((stop) => stop % batches.length === i)) {
            // Through JSON, as storage keeps it.
            detector = createRunDetector({ snapshot: JSON.parse(JSON.stringify(detector.snapshot())) });
          }
          transitions.push(...detector.observe(batch));
        });
        transitions.push(...detector.finish());
        expect(transitions).toEqual(told(batches));
      }),
      { numRuns: 60 },
    );
  });

  test("a snapshot of another format is refused by name", () => {
    expect(() => createRunDetector({ snapshot: { format: 99, rules: [] } })).toThrow("format 99");
  });

  test("points that come late are counted and change nothing that follows the order", () => {
    const story: Story = {
      series: { loss: curve(300, (step) => 2 * Math.exp(-step / 50), 0.05, 5), grad_norm: curve(300, () => 1, 0.2, 6).map(Math.abs) },
    };
    const late: Story = { series: { loss: series("5x20"), grad_norm: series("900x20") }, firstStep: 100 };
    const { detector, transitions } = replay([story, late]);
    expect(detector.counts().late).toBe(42);
    expect(transitions).toEqual([]);
  });

  test("a resumed rank may repeat its steps", () => {
    const story = (session: number, firstStep: number): Story => ({
      session,
      firstStep,
      series: { loss: curve(200, (step) => 2 * Math.exp(-(step + firstStep) / 80), 0.05, session) },
    });
    const { detector, transitions } = replay([story(1, 0), story(2, 100), story(3, 150)]);
    expect(detector.counts().late).toBe(0);
    expect(transitions).toEqual([]);
  });

  test("its memory does not grow with the run", () => {
    const sizeAfter = (length: number): number => {
      const story: Story = {
        series: {
          loss: curve(length, (step) => 1 + Math.exp(-step / 100), 0.1, 1),
          grad_norm: curve(length, () => 1, 0.3, 2).map(Math.abs),
        },
      };
      return JSON.stringify(replay(story, { stepsPerBatch: 1_000 }).detector.snapshot()).length;
    };
    expect(sizeAfter(100_000)).toBeLessThan(1.5 * sizeAfter(5_000));
  });

  test("nor with the number of series: the oldest are forgotten, and counted", () => {
    const names = Array.from({ length: 1_000 }, (_none, i) => `model_${i}`);
    const batches = batchesOf({ series: Object.fromEntries(names.map((name) => [name, series("1x3")])) }).map((batch) => ({
      ...batch,
      scalars: batch.scalars.map((column) => ({ ...column, role: "loss" as const })),
    }));
    const detector = createRunDetector({ seriesMax: 50 });
    for (const batch of batches) detector.observe(batch);
    expect(detector.counts().evictedSeries).toBeGreaterThanOrEqual(950);
  });

  test("an option out of range is refused by name, value and range", () => {
    expect(() => createRunDetector({ options: { "loss-plateau": { window: 5 } } })).toThrow(
      "option loss-plateau.window is 5; it must be from 0.02 to 0.9",
    );
    expect(() => createRunDetector({ options: { "no-such-rule": {} } })).toThrow('there is no rule "no-such-rule"');
    expect(() => createRunDetector({ options: { "loss-plateau": { windw: 0.5 } } })).toThrow('no option "windw"');
  });
});

/** Facts would tie the loss to chance, and the steps to a budget. */
const withoutFacts = ({ facts: _facts, ...story }: Story): Story => story;

const declaring = (invariance: Invariance): { id: string }[] =>
  CATALOGUE.filter(({ invariances }) => invariances.includes(invariance)).map(({ id }) => ({ id }));

/** What a rule says, with steps counted from the story's first. */
function saidBy(id: string, story: Story): string[] {
  const { firstStep = 0 } = story;
  const own = replay(story).transitions.filter(({ rule }) => rule === id);
  return said(
    own.map((transition) => ({
      ...transition,
      onsetStep: transition.onsetStep - firstStep,
      resolvedStep: transition.resolvedStep === null ? null : transition.resolvedStep - firstStep,
    })),
  );
}

describe("declared invariances", () => {
  test.each(declaring("loss-scale"))("$id does not depend on the scale of the loss", ({ id }) => {
    fc.assert(
      fc.property(drawnStory, fc.integer({ min: -20, max: 20 }), (story, exponent) => {
        const plain = withoutFacts(story);
        // A power of two: no rounding.
        const loss = (plain.series["loss"] ?? []).map((value) => (value ?? 0) * 2 ** exponent);
        expect(saidBy(id, { ...plain, series: { ...plain.series, loss } })).toEqual(saidBy(id, plain));
      }),
      { numRuns: 40 },
    );
  });

  test.each(declaring("step-shift"))("$id does not depend on where steps begin", ({ id }) => {
    fc.assert(
      fc.property(drawnStory, fc.integer({ min: 1, max: 1_000_000 }), (story, shift) => {
        const plain = withoutFacts(story);
        const shifted = <Item extends { readonly step: number }>(items: readonly Item[] = []): Item[] =>
          items.map((item) => ({ ...item, step: item.step + shift }));
        const moved = { ...plain, firstStep: shift, tensors: shifted(plain.tensors), steps: shifted(plain.steps) };
        expect(saidBy(id, moved)).toEqual(saidBy(id, plain));
      }),
      { numRuns: 40 },
    );
  });
});
