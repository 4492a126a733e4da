// What a user may choose of watching a model, checked: what is wrong is said once, and training goes on with the default.

import type * as tf from "@tensorflow/tfjs";
import type { LossKind } from "../types.ts";
import { BUDGET_DEFAULT, EVERY_DEFAULT, type Group, GROUPS } from "./cadence.ts";

export interface WatchOptions {
  /**
   * Summarise at most every this many steps: one number for all groups, or one a group. Infinity: only at the first step, and when the loss breaks. Default:
   * 20, images 100. Less often where the budget is used up.
   */
  readonly every?: number | { readonly [group in Group]?: number };
  /** Groups that are logged. Default "all". Loss, learning rate and gradient norm always are. */
  readonly log?: "all" | readonly Group[];
  /** Share of training's own time that watching may take. Default 0.02. Infinity: whatever `every` takes. */
  readonly budget?: number;
  /** Log this many samples of the inputs as pictures, with the other images. Default 0: training data may be private. */
  readonly inputSamples?: number;
  /** Step of the next optimiser step, for a training that goes on. Default 0. */
  readonly initialStep?: number;
  /** Put before tensor and metric names; wanted where several models log into one run. */
  readonly name?: string;
  /** What the loss is, where it is a function of your own; else tfjs tells. */
  readonly lossKind?: LossKind;
  /** The tfjs that trains, where it is not the "@tensorflow/tfjs" that this package finds (a bundle, a second version). */
  readonly tf?: typeof tf;
}

export interface WatchSettings {
  readonly every: Readonly<Record<Group, number>>;
  readonly groups: readonly Group[];
  readonly budget: number;
  readonly inputSamples: number;
  readonly initialStep: number;
  readonly name: string | undefined;
  readonly lossKind: LossKind | undefined;
}

const INPUT_SAMPLES_MAX = 64;

export function watchSettings(options: WatchOptions, report: (error: unknown) => void): WatchSettings {
  const checked = <Value>(name: string, value: Value, isGood: boolean, must: string, instead: Value): Value => {
    if (isGood) return value;
    report(new RangeError(`${name} is ${String(value)}; it must be ${must}. Using ${String(instead)}.`));
    return instead;
  };
  const cadence = (group: Group): number => {
    const { every } = options;
    const value = (typeof every === "object" ? every[group] : every) ?? EVERY_DEFAULT[group];
    // One number is meant for summaries: a picture weighs as much as a thousand points.
    const scaled = typeof every === "number" && group === "images" ? every * (EVERY_DEFAULT.images / EVERY_DEFAULT.weights) : value;
    const isGood = scaled === Number.POSITIVE_INFINITY || (Number.isInteger(scaled) && scaled >= 1);
    return checked("every", scaled, isGood, "a whole number of steps >= 1, or Infinity", EVERY_DEFAULT[group]);
  };
  const asked = options.log === undefined || options.log === "all" ? GROUPS : options.log;
  const unknown = Array.isArray(asked) ? asked.filter((group) => !GROUPS.includes(group)) : [String(asked)];
  if (unknown.length > 0) report(new RangeError(`log names ${unknown.join(", ")}; it takes "all", or some of ${GROUPS.join(", ")}`));
  const { budget = BUDGET_DEFAULT, inputSamples = 0, initialStep = 0 } = options;
  const isCount = (value: number, max: number): boolean => Number.isInteger(value) && value >= 0 && value <= max;
  return {
    every: Object.fromEntries(GROUPS.map((group) => [group, cadence(group)])) as Record<Group, number>,
    groups: GROUPS.filter((group) => asked.includes(group)),
    budget: checked("budget", budget, budget > 0, "a share of training's time above 0, or Infinity", BUDGET_DEFAULT),
    inputSamples: checked(
      "inputSamples",
      inputSamples,
      isCount(inputSamples, INPUT_SAMPLES_MAX),
      `a number from 0 to ${INPUT_SAMPLES_MAX}`,
      0,
    ),
    initialStep: checked("initialStep", initialStep, isCount(initialStep, 2 ** 50), "a step from 0 to 2^50", 0),
    name: options.name,
    lossKind: options.lossKind,
  };
}
