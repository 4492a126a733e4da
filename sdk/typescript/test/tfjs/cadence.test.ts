// When what is looked at: cadences, the budget that stretches them, the flight recorder. Time is given, so that a training of hours takes no time.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Cadence, createCadence, EVERY_DEFAULT, GROUPS, type StepPlan } from "../../src/tfjs/cadence.ts";
import { watchSettings } from "../../src/tfjs/watch-settings.ts";

const of = (given: Partial<Parameters<typeof createCadence>[0]> = {}): Cadence =>
  createCadence({ every: EVERY_DEFAULT, groups: GROUPS, budget: 0.03, firstStep: 0, isNormCheap: false, ...given });

interface Costs {
  readonly trainingMs: number;
  readonly lightMs: number;
  readonly fullMs: number;
}

/** Plays a training and gives the plan of each step. */
function play(cadence: Cadence, steps: number, { trainingMs, lightMs, fullMs }: Costs, from = 0): StepPlan[] {
  return Array.from({ length: steps }, (_none, i) => {
    const plan = cadence.plan(from + i);
    cadence.done(
      from + i,
      plan,
      (plan.groups.size > 0 ? fullMs : 0) + (plan.norm ? lightMs / 2 : 0) + (plan.light ? lightMs / 2 : 0),
      trainingMs,
    );
    return plan;
  });
}
const fullSteps = (plans: readonly StepPlan[]): number[] => plans.flatMap(({ groups }, step) => (groups.has("weights") ? [step] : []));
const cheap: Costs = { trainingMs: 10, lightMs: 0.01, fullMs: 0.5 };

describe("a cadence", () => {
  test("looks at everything at the first step, then at each group as often as was asked", () => {
    const plans = play(of(), 201, cheap);
    expect(plans[0]?.groups).toEqual(new Set(GROUPS));
    expect(fullSteps(plans)).toEqual([0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200]);
    expect(plans.flatMap(({ groups }, step) => (groups.has("images") ? [step] : []))).toEqual([0, 100, 200]);
    expect(plans.every(({ light }) => light)).toBe(true);
  });

  test("of Infinity is the first step alone", () => {
    const every = Object.fromEntries(GROUPS.map((group) => [group, Infinity])) as typeof EVERY_DEFAULT;
    expect(fullSteps(play(of({ every }), 500, cheap))).toEqual([0]);
  });

  test("begins where the training does", () => {
    const plans = play(of({ firstStep: 7 }), 50, cheap, 7);
    expect(fullSteps(plans).map((step) => step + 7)).toEqual([7, 27, 47]);
  });
});

describe("a budget", () => {
  test("is kept over a long training, whatever looking costs; what is dear is looked at less often", () => {
    fc.assert(
      fc.property(
        fc.record({
          trainingMs: fc.double({ min: 0.1, max: 200, noNaN: true }),
          lightMs: fc.double({ min: 0.001, max: 20, noNaN: true }),
          fullMs: fc.double({ min: 0.001, max: 500, noNaN: true }),
        }),
        fc.double({ min: 0.005, max: 0.5, noNaN: true }),
        (costs, budget) => {
          const steps = 3_000;
          const plans = play(of({ budget }), steps, costs);
          const spent = plans.reduce(
            (sum, plan) =>
              sum + (plan.groups.size > 0 ? costs.fullMs : 0) + (plan.norm ? costs.lightMs / 2 : 0) + (plan.light ? costs.lightMs / 2 : 0),
            0,
          );
          // The first step is always looked at, each purse may go into debt once, and the light one begins full.
          expect(spent).toBeLessThanOrEqual(budget * costs.trainingMs * steps + 2 * (costs.fullMs + costs.lightMs) + 5);
          expect(plans[0]?.groups.size).toBe(GROUPS.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("takes the gradient norm at every step before units and labels are looked at", () => {
    // 3 ms a step earn 0.036 ms: enough for the norm, not for both.
    const plans = play(of(), 2_000, { trainingMs: 3, lightMs: 0.06, fullMs: 0.1 });
    expect(plans.every(({ norm }) => norm)).toBe(true);
    expect(plans.filter(({ light }) => light).length).toBeLessThan(1_000);
    expect(plans.filter(({ light }) => light).length).toBeGreaterThan(100);
  });

  test("pays first for what every step costs, and looks on what is left, or on a third of it", () => {
    fc.assert(
      fc.property(
        fc.record({
          trainingMs: fc.double({ min: 1, max: 200, noNaN: true }),
          lightMs: fc.double({ min: 0.001, max: 20, noNaN: true }),
          fullMs: fc.double({ min: 0.001, max: 500, noNaN: true }),
        }),
        (costs) => {
          const [steps, budget] = [3_000, 0.03];
          const plans = play(of({ budget, isNormCheap: true }), steps, costs);
          const looked = plans.reduce(
            (sum, plan) => sum + (plan.groups.size > 0 ? costs.fullMs : 0) + (plan.light ? costs.lightMs / 2 : 0),
            0,
          );
          const allowed = budget * costs.trainingMs * steps;
          const norms = (steps * costs.lightMs) / 2;
          // As above; and what is plain is learned over some ten steps.
          const slack = 2 * (costs.fullMs + costs.lightMs) + 5 + 10 * costs.lightMs;
          expect(looked).toBeLessThanOrEqual(Math.max(allowed - norms, allowed / 3) + slack);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("never thins out a norm that costs next to nothing", () => {
    const plans = play(of({ isNormCheap: true }), 500, { trainingMs: 1, lightMs: 5, fullMs: 100 });
    expect(plans.every(({ norm }) => norm)).toBe(true);
  });

  test("lets a heavy summary not silence what is cheap", () => {
    const plans = play(of(), 2_000, { trainingMs: 5, lightMs: 0.02, fullMs: 60 });
    expect(fullSteps(plans).length).toBeLessThan(10);
    expect(plans.filter(({ light }) => light).length).toBeGreaterThan(1_900);
  });

  test("of Infinity does as asked", () => {
    expect(fullSteps(play(of({ budget: Infinity }), 61, { trainingMs: 0.001, lightMs: 100, fullMs: 1_000 }))).toEqual([0, 20, 40, 60]);
  });

  test("earns nothing by pauses: an evaluation of ten minutes is no training", () => {
    const cadence = of();
    play(cadence, 100, { trainingMs: 5, lightMs: 0.01, fullMs: 20 });
    cadence.done(100, cadence.plan(100), 0, 600_000);
    const after = play(cadence, 400, { trainingMs: 5, lightMs: 0.01, fullMs: 20 }, 101);
    expect(fullSteps(after).length).toBeLessThan(6);
  });
});

describe("the flight recorder", () => {
  const request = { steps: 30, gradients: true, weights: true, updates: false, activations: false, inputs: false, reason: "a test" };

  test("sees every step, of the kinds that were asked for, as long as asked, out of what was saved", () => {
    const cadence = of();
    play(cadence, 5_000, cheap);
    cadence.record(request);
    const plans = play(cadence, 60, cheap, 5_001);
    expect(fullSteps(plans).slice(0, 30)).toEqual(Array.from({ length: 30 }, (_none, step) => step));
    expect(fullSteps(plans).length).toBeLessThanOrEqual(32);
    // Those that were not asked for go on as before.
    expect(plans.filter(({ groups }) => groups.has("activations")).length).toBeLessThanOrEqual(3);
  });

  test("stops where the savings end", () => {
    const cadence = of();
    const dear: Costs = { trainingMs: 10, lightMs: 0.01, fullMs: 5 };
    play(cadence, 1_000, dear);
    cadence.record({ ...request, steps: 10_000 });
    const recorded = fullSteps(play(cadence, 10_000, dear, 1_000)).length;
    expect(recorded).toBeGreaterThan(300);
    // 3 % of 10 ms a step pay for a summary of 5 ms every 17 steps, and light ones take a part.
    expect(recorded).toBeLessThan(10_000 / 12);
  });
});

test("settings that make no sense are told, and replaced", () => {
  const told: string[] = [];
  // As JavaScript would pass it.
  const misspelt = JSON.parse('"wights"') as "weights";
  const settings = watchSettings(
    { every: { weights: 0, images: 2.5 }, log: ["weights", misspelt], budget: -1, inputSamples: 1e9, initialStep: -3 },
    (error) => void told.push(String(error)),
  );
  expect(settings).toMatchObject({ groups: ["weights"], budget: 0.02, inputSamples: 0, initialStep: 0 });
  expect(settings.every).toMatchObject({ weights: 20, images: 100 });
  expect(told.join("\n")).toMatch(/wights[\s\S]*every is 0[\s\S]*every is 2.5[\s\S]*budget is -1[\s\S]*inputSamples[\s\S]*initialStep/);
});
