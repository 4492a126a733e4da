// Decides at every step what is looked at: each group of tensors at its cadence, as far as the budget goes. The budget is a share of
// training's own time. What every step costs, whatever is looked at, comes first; what training earns above that and looking costs are kept in two purses, one for what is cheap and wanted at
// every step, one for summaries: a heavy summary must not silence the gradient norm. In the first, units and labels live on what the norm leaves over, as
// the norm is the earliest warning that there is. What is not spent is saved, for the flight recorder. A purse in debt looks at nothing
// until training has earned it back.

import type { FlightRecorderRequest } from "../types.ts";

export type Group = "gradients" | "weights" | "updates" | "activations" | "data" | "states" | "images";
export const GROUPS: readonly Group[] = ["gradients", "weights", "updates", "activations", "data", "states", "images"];

/** Steps. Pictures change slowly, and one weighs as much as a thousand points. */
export const EVERY_DEFAULT: Readonly<Record<Group, number>> = {
  gradients: 20,
  weights: 20,
  updates: 20,
  activations: 20,
  data: 20,
  states: 20,
  images: 100,
};

/** Of training's time. The goal is 5 %, which leaves room for what cannot be measured from inside (caches, garbage, sending). */
export const BUDGET_DEFAULT = 0.02;
/** Of the budget that is left for looking, however much every step costs: a tiny network is looked at, too. */
const LOOKING_SHARE_MIN = 1 / 3;
/** Of what is left that is for what is wanted at every step. */
const LIGHT_SHARE = 0.4;
/** Above it, the light purse's savings are the other's. It begins full. */
const LIGHT_SAVINGS_MS = 5;
/** What the gradient norm is sure of: units and labels do not go below. */
const NORM_RESERVE_MS = 2.5;
/** Of training whose savings are kept: ten minutes of it pay for 18 s of looking. */
const SAVINGS_MS = 600_000;
/** A step that takes this many times as long as usual was waiting for something, and earns as much as this. */
const PAUSE_FACTOR = 5;
const SMOOTHING = 0.1;

export interface StepPlan {
  /** Groups to summarise. */
  readonly groups: ReadonlySet<Group>;
  /** Whether to take the gradient norm. */
  readonly norm: boolean;
  /** Whether to look at units and labels. */
  readonly light: boolean;
}

export interface CadenceOptions {
  readonly every: Readonly<Record<Group, number>>;
  /** Groups that are logged at all. */
  readonly groups: readonly Group[];
  readonly budget: number;
  readonly firstStep: number;
  /** The gradient norm costs next to nothing: it is taken at every step, whatever the purses hold. */
  readonly isNormCheap: boolean;
}

export interface Cadence {
  plan(step: number): StepPlan;
  /** @param ownMs What watching this step cost. @param trainingMs The rest of the step. */
  done(step: number, plan: StepPlan, ownMs: number, trainingMs: number): void;
  /** Every step, for as long as asked, out of the savings. */
  record(request: FlightRecorderRequest): void;
}

export function createCadence({ every, groups, budget, firstStep, isNormCheap }: CadenceOptions): Cadence {
  const next = new Map<Group, number>(groups.map((group) => [group, firstStep]));
  let light = LIGHT_SAVINGS_MS;
  let full = 0;
  /** A step at which nothing is looked at but a norm that is taken anyway. */
  let usualPlainMs = 0;
  let usualLightMs = 0;
  let usualTrainingMs: number | undefined;
  let recorder: { readonly groups: ReadonlySet<Group>; stepsLeft: number } | undefined;

  return {
    plan(step) {
      const isFirst = step === firstStep;
      const due = groups.filter((group) => step >= (next.get(group) as number) || recorder?.groups.has(group) === true);
      const isFull = due.length > 0 && (isFirst || full >= 0);
      return { groups: new Set(isFull ? due : []), norm: isFull || isNormCheap || light >= 0, light: isFull || light >= NORM_RESERVE_MS };
    },
    done(step, plan, ownMs, trainingMs) {
      const counted = Math.min(trainingMs, PAUSE_FACTOR * (usualTrainingMs ?? trainingMs));
      usualTrainingMs = usualTrainingMs === undefined ? trainingMs : usualTrainingMs + SMOOTHING * (counted - usualTrainingMs);
      const isFull = plan.groups.size > 0;
      if (isNormCheap && !isFull && !plan.light) usualPlainMs += SMOOTHING * (ownMs - usualPlainMs);
      const allowed = counted * budget;
      const earned = budget === Number.POSITIVE_INFINITY ? budget : Math.max(allowed - usualPlainMs, allowed * LOOKING_SHARE_MIN);
      const lookedMs = Math.max(0, ownMs - usualPlainMs);
      const lightMs = isFull ? Math.min(lookedMs, usualLightMs) : lookedMs;
      if (!isFull) usualLightMs += SMOOTHING * (lookedMs - usualLightMs);
      light += earned * LIGHT_SHARE - lightMs;
      full += earned * (1 - LIGHT_SHARE) - (lookedMs - lightMs);
      // What one has too much is the other's; the norm's debts are paid out of the summaries' savings.
      const borrowed = Math.min(Math.max(0, -light), Math.max(0, full));
      const surplus = Math.max(0, light - LIGHT_SAVINGS_MS);
      light = Math.min(light + borrowed, LIGHT_SAVINGS_MS);
      full = Math.min(full + surplus - borrowed, SAVINGS_MS * budget);
      for (const group of plan.groups) next.set(group, step + every[group]);
      if (recorder !== undefined && --recorder.stepsLeft <= 0) recorder = undefined;
    },
    record({ steps, gradients, weights, updates, activations, inputs }) {
      const asked = { gradients, weights, updates, activations, states: gradients, data: inputs, images: false };
      recorder = { groups: new Set(groups.filter((group) => asked[group])), stepsLeft: steps };
    },
  };
}
