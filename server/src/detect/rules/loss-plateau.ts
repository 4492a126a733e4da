// loss-plateau: the loss stopped falling over the last fifth of the run while most of what it began with is still there.
// A converged run is flat as well; what tells them apart is the share of the initial loss that remains, and where that
// cannot be known (negative losses, rewards) the rule keeps silent.

import { type BlockSeries, type Trend, addToBlocks, cutBlocks, emptyBlockSeries, trendSince } from "../block-trend.ts";
import { chanceLevel } from "../chance-level.ts";
import { type Gauge, advanceGauge, quietGauge } from "../hysteresis.ts";
import type { RunFacts } from "../observation.ts";
import { pickSeries } from "../preferred-series.ts";
import { type Finding, type Frame, NO_FINDINGS, type Rule, type RuleContext } from "../rule.ts";
import { plateauFinding, plateauOver } from "./loss-plateau-words.ts";

export type LossPlateauOptions = {
  readonly window: number;
  readonly gainEnter: number;
  readonly gainExit: number;
  readonly gainUncertainty: number;
  readonly remainingWarn: number;
  readonly remainingInfo: number;
  readonly patience: number;
  readonly pointsMin: number;
  readonly pointsMinUnplanned: number;
};

export type LossPlateauState = {
  loss: string;
  learningRateSeries: string;
  learningRate: number;
  learningRateMax: number;
  /** The loss before any update: the first finite value. */
  initialLoss: number;
  firstStep: number;
  lastStep: number;
  points: number;
  blocks: BlockSeries;
  resumed: boolean;
  gauge: Gauge;
  level: "info" | "warn";
};

/** Blocks a trend needs: fewer have no standard error to speak of. */
const WINDOW_BLOCKS_MIN = 4;
/** A rate below this share of its maximum has been decayed. */
const DECAYED = 0.5;
/** While the rate still rises by more than this over the window, it is being warmed up. */
const WARMING = 1.1;
/** A loss that rises by more than this over the window diverges: another trouble. */
const RISING = 0.05;

export const lossPlateau: Rule<LossPlateauState, LossPlateauOptions> = {
  id: "loss-plateau",
  version: 1,
  title: "Loss plateau",
  level: "warn",
  needs: [{ anyOf: ["loss"], otherwise: "needs a training loss (role loss, or step records)" }],
  orderFree: false,
  // Both hold while no planned steps and no chance level are known.
  invariances: ["loss-scale", "step-shift"],
  options: {
    window: {
      default: 0.2,
      min: 0.02,
      max: 0.9,
      documentation: "Share of the planned steps, or else of the steps so far, that is looked at",
    },
    gainEnter: {
      default: 0.01,
      min: 0,
      max: 1,
      documentation: "Fall of the loss over the window, as a share of the loss, below which it is flat",
    },
    gainExit: { default: 0.02, min: 0, max: 1, documentation: "Fall above which it is not flat any more" },
    gainUncertainty: {
      default: 0.03,
      min: 0,
      max: 10,
      documentation: "Flat only if two standard errors above the fall are below this: a noisy loss is not called flat",
    },
    remainingWarn: {
      default: 0.55,
      min: 0,
      max: 1,
      documentation: "Share of the initial loss that remains, from which a plateau is a warning",
    },
    remainingInfo: { default: 0.4, min: 0, max: 1, documentation: "Share that remains, from which it is information" },
    patience: {
      default: 3,
      min: 1,
      max: 1000,
      documentation: "Looks in a row (one a block, 1/32 to 1/64 of the series) that make an incident, and that end it",
    },
    pointsMin: {
      default: 60,
      min: 12,
      max: 1_000_000,
      documentation: "Points of the loss before the first look, where the planned steps are known",
    },
    pointsMinUnplanned: {
      default: 200,
      min: 12,
      max: 1_000_000,
      documentation: "The same where they are not: a slow start looks like a plateau to who does not know how long a run is",
    },
  },
  init: () => ({
    loss: "",
    learningRateSeries: "",
    learningRate: Number.NaN,
    learningRateMax: 0,
    initialLoss: Number.NaN,
    firstStep: Number.NaN,
    lastStep: Number.NaN,
    points: 0,
    blocks: emptyBlockSeries(),
    resumed: false,
    gauge: quietGauge(),
    level: "info",
  }),
  step(state, observation, context) {
    if (observation.kind === "session") state.resumed = true;
    return { state, findings: observation.kind === "frame" ? see(state, observation.frame, context) : NO_FINDINGS };
  },
  suspects: ({ gauge }) => gauge.phase === "suspect",
};

function see(state: LossPlateauState, frame: Frame, context: RuleContext<LossPlateauOptions>): readonly Finding[] {
  seeLearningRate(state, frame);
  const picked = pickSeries(frame, "loss", state.loss);
  if (picked === null || !Number.isFinite(picked.value)) return NO_FINDINGS;
  if (picked.replaced) startOver(state);
  state.loss = picked.metric;
  if (state.points === 0) {
    state.initialLoss = picked.value;
    state.firstStep = frame.step;
  }
  if (state.resumed) {
    cutBlocks(state.blocks, frame.step);
    state.resumed = false;
  }
  state.points += 1;
  state.lastStep = frame.step;
  const complete = addToBlocks(state.blocks, frame.step, picked.value, state.learningRate);
  const { pointsMin, pointsMinUnplanned } = context.options;
  const needed = context.facts.plannedSteps === undefined ? pointsMinUnplanned : pointsMin;
  return complete && state.points >= needed ? judge(state, context) : NO_FINDINGS;
}

function seeLearningRate(state: LossPlateauState, frame: Frame): void {
  const picked = pickSeries(frame, "learning-rate", state.learningRateSeries);
  if (picked === null || !Number.isFinite(picked.value)) return;
  if (picked.replaced) state.learningRateMax = 0;
  state.learningRateSeries = picked.metric;
  state.learningRate = picked.value;
  state.learningRateMax = Math.max(state.learningRateMax, picked.value);
}

function startOver(state: LossPlateauState): void {
  state.points = 0;
  state.blocks = emptyBlockSeries();
}

/** Why and how a window is flat, or that it is not. */
export interface Look {
  readonly trend: Trend;
  /** Fall over the window as a share of its level. */
  readonly gain: number;
  readonly gainUpper: number;
  /** Share of the initial loss that remains. */
  readonly remaining: number;
  readonly decayed: boolean;
}

function judge(state: LossPlateauState, { options, facts }: RuleContext<LossPlateauOptions>): readonly Finding[] {
  const look = lookAt(state, options, facts);
  if (look === null) return NO_FINDINGS;
  const level = look.remaining >= options.remainingWarn && !look.decayed ? "warn" : "info";
  const flat =
    look.gain < options.gainEnter &&
    look.gain > -RISING &&
    look.gainUpper < options.gainUncertainty &&
    look.remaining >= options.remainingInfo;
  const moving = look.gain > options.gainExit || look.remaining < options.remainingInfo;
  const { patience } = options;
  const event = advanceGauge(state.gauge, look.trend.firstStep, flat, moving, { enter: patience, exit: patience });
  if (event === "resolved") return [plateauOver(state, look)];
  // A warning stays one: the level of an incident that fires only rises.
  const rises = state.gauge.phase === "firing" && state.level === "info" && level === "warn" && flat;
  if (event !== "fired" && !rises) return NO_FINDINGS;
  state.level = level;
  return [plateauFinding(state, look, options, facts)];
}

function lookAt(state: LossPlateauState, options: LossPlateauOptions, facts: RunFacts): Look | null {
  const elapsed = state.lastStep - state.firstStep;
  const width = options.window * Math.max(elapsed, facts.plannedSteps ?? 0);
  const fromStep = state.lastStep - width;
  // What came before the window must be there too: a run's first fifth is not its last.
  if (elapsed < 2 * width) return null;
  const trend = trendSince(state.blocks, fromStep, WINDOW_BLOCKS_MIN);
  const initial = initialLevel(state, facts);
  if (trend === null || !(trend.level > 0) || !(initial > 0)) return null;
  const rateBefore = state.blocks.blocks.findLast(({ lastStep }) => lastStep <= fromStep)?.learningRate ?? Number.NaN;
  if (state.learningRate > WARMING * rateBefore) return null;
  return {
    trend,
    gain: trend.gain / trend.level,
    gainUpper: (trend.gain + 2 * trend.gainStandardError) / trend.level,
    remaining: trend.level / initial,
    decayed: state.learningRate < DECAYED * state.learningRateMax,
  };
}

/** The first loss; but a network that starts worse than chance has gained nothing by reaching it. */
function initialLevel(state: LossPlateauState, facts: RunFacts): number {
  return Math.min(state.initialLoss, chanceLevel(facts) ?? Number.POSITIVE_INFINITY);
}
