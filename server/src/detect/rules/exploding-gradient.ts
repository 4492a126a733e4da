// exploding-gradient: the norm of all gradients leaves its own recent range by orders of magnitude, several times in a
// row, while the loss does not improve. It looks at the logarithm of the norm, so that "8 standard deviations" means a
// factor, and never at the loss alone: a loss that jumps with a calm norm is another rule's business.

import { chanceLevel } from "../chance-level.ts";
import { type Gauge, advanceGauge, quietGauge, resetGauge } from "../hysteresis.ts";
import { pickSeries } from "../preferred-series.ts";
import { location, median } from "../robust.ts";
import { type Finding, type Frame, NO_FINDINGS, type Outcome, type Rule, type RuleContext } from "../rule.ts";
import { EVIDENCE_POINTS_MAX } from "../transition.ts";
import { type Cause, explosionFinding, explosionOver } from "./exploding-gradient-words.ts";

export type ExplodingGradientOptions = {
  readonly zEnter: number;
  readonly zExit: number;
  readonly scaleFloor: number;
  readonly patience: number;
  readonly exitPatience: number;
  readonly earlyFactor: number;
  readonly initialNorm: number;
};

export type ExplodingGradientState = {
  loss: string;
  firstLoss: number;
  /** Losses before the suspicion, and since. */
  calmLosses: number[];
  suspectLosses: number[];
  /** The followed norm: a metric, "" for none yet, or GRADIENT_TENSORS. */
  norm: string;
  observations: number;
  /** Logarithms of the norms that were not suspect, newest last. */
  calm: number[];
  center: number;
  scale: number;
  sinceRefresh: number;
  gauge: Gauge;
  cause: Cause;
  peak: number;
  /** Suspect observations that the loss did not confirm. */
  waited: number;
  sinceFired: number;
  trail: { steps: number[]; norms: number[] };
  top: { name: string; norm: number }[];
};

export const GRADIENT_TENSORS = "norm of all gradient tensors";

/** Observations that make up "recent". */
const CALM_MAX = 64;
/** Below it there is no scale to speak of, and only the early test runs. */
const CALM_MIN = 16;
const CALM_LOSSES_MAX = 32;
const SUSPECT_LOSSES_MAX = 16;
/** The median is recomputed after so many observations: it moves slowly, sorting costs. */
const REFRESH_EVERY = 8;
/** A higher norm that lasts this long while the loss improves is the new normal. */
const NEW_NORMAL_AFTER = 64;
/** "Far above chance", as a multiple of the chance level. */
const FAR_ABOVE_CHANCE = 3;
const EARLY_PATIENCE = 2;

export const explodingGradient: Rule<ExplodingGradientState, ExplodingGradientOptions> = {
  id: "exploding-gradient",
  version: 1,
  title: "Exploding gradient",
  level: "high",
  needs: [
    {
      anyOf: ["gradient-norm", "gradient-tensors"],
      otherwise: "needs a gradient norm (role gradient-norm, or step records) or gradient summaries",
    },
  ],
  orderFree: false,
  // Not "loss-scale": the test at initialisation compares with absolute numbers.
  invariances: ["step-shift"],
  options: {
    zEnter: { default: 8, min: 3, max: 100, documentation: "Robust z of the log norm above which an observation is suspect" },
    zExit: { default: 4, min: 0, max: 100, documentation: "Robust z below which an observation speaks for recovery" },
    scaleFloor: {
      default: 0.25,
      min: 0.01,
      max: 5,
      documentation: "Smallest scale of the log norm: with 0.25, z = 8 is at least a factor of e² = 7.4",
    },
    patience: { default: 3, min: 1, max: 1000, documentation: "Suspect observations in a row that make an incident" },
    exitPatience: { default: 10, min: 1, max: 10_000, documentation: "Recovered observations in a row that end it" },
    earlyFactor: {
      default: 100,
      min: 2,
      max: 1e9,
      documentation: "In the first 16 observations: growth over the median norm that is suspect, if the loss has doubled as well",
    },
    initialNorm: {
      default: 1000,
      min: 1,
      max: 1e12,
      documentation:
        "Norm of the first observation above which the initialisation is at fault, if the loss is also 3 times the chance level",
    },
  },
  init: () => ({
    loss: "",
    firstLoss: Number.NaN,
    calmLosses: [],
    suspectLosses: [],
    norm: "",
    observations: 0,
    calm: [],
    center: Number.NaN,
    scale: Number.NaN,
    sinceRefresh: 0,
    gauge: quietGauge(),
    cause: "growth",
    peak: 0,
    waited: 0,
    sinceFired: 0,
    trail: { steps: [], norms: [] },
    top: [],
  }),
  step(state, observation, context): Outcome<ExplodingGradientState> {
    return { state, findings: observation.kind === "frame" ? see(state, observation.frame, context) : NO_FINDINGS };
  },
  suspects: ({ gauge }) => gauge.phase === "suspect",
};

function see(state: ExplodingGradientState, frame: Frame, context: RuleContext<ExplodingGradientOptions>): readonly Finding[] {
  // A skipped step was not applied: its gradients and its loss mean nothing for the next one.
  if (frame.skipped === true) return NO_FINDINGS;
  const loss = seeLoss(state, frame);
  const norm = seeNorm(state, frame);
  if (norm === null) {
    // Between two samples of the norm only the end of training says more.
    return loss !== null && !Number.isFinite(loss) && state.gauge.phase === "suspect"
      ? judge(state, frame, Number.NaN, context)
      : NO_FINDINGS;
  }
  return judge(state, frame, norm, context);
}

function seeLoss(state: ExplodingGradientState, frame: Frame): number | null {
  const picked = pickSeries(frame, "loss", state.loss);
  if (picked === null) return null;
  if (picked.replaced) {
    state.firstLoss = Number.NaN;
    state.calmLosses = [];
    state.suspectLosses = [];
  }
  state.loss = picked.metric;
  if (Number.isNaN(state.firstLoss) && Number.isFinite(picked.value)) state.firstLoss = picked.value;
  // A loss that is not finite is worse than any.
  state.suspectLosses.push(Number.isFinite(picked.value) ? picked.value : Number.POSITIVE_INFINITY);
  if (state.suspectLosses.length > SUSPECT_LOSSES_MAX) state.suspectLosses.shift();
  return picked.value;
}

function seeNorm(state: ExplodingGradientState, frame: Frame): number | null {
  const picked = pickSeries(frame, "gradient-norm", state.norm === GRADIENT_TENSORS ? "" : state.norm);
  if (frame.gradients !== null) state.top = [...frame.gradients.top];
  const name =
    picked?.metric ?? (frame.gradients !== null && (state.norm === "" || state.norm === GRADIENT_TENSORS) ? GRADIENT_TENSORS : null);
  if (name === null) return null;
  if (state.norm !== "" && name !== state.norm) forgetNorms(state);
  state.norm = name;
  if (picked !== null) return Math.abs(picked.value);
  return frame.gradients!.nonFinite > 0 ? Number.NaN : Math.sqrt(frame.gradients!.sumSquares);
}

function forgetNorms(state: ExplodingGradientState): void {
  state.calm = [];
  state.center = Number.NaN;
  state.sinceRefresh = 0;
  state.observations = 0;
  state.trail = { steps: [], norms: [] };
  if (state.gauge.phase === "suspect") resetGauge(state.gauge);
}

/** One look at a norm; NaN stands for one that is not finite any more. */
function judge(
  state: ExplodingGradientState,
  frame: Frame,
  norm: number,
  context: RuleContext<ExplodingGradientOptions>,
): readonly Finding[] {
  const { options } = context;
  const { gauge } = state;
  if (norm === 0) return NO_FINDINGS;
  state.observations += 1;
  keepTrail(state, frame.step, norm);
  const log = Math.log(norm);
  const finite = Number.isFinite(log);
  if (gauge.phase === "firing") return watchRecovery(state, frame, log, options);

  const z = (log - state.center) / Math.max(state.scale, options.scaleFloor);
  const test = testFor(state, norm, context);
  // Without a finite suspect before it, a norm that is not finite is the rule non-finite's business.
  const beyond = finite ? isBeyond(test, log - state.center, z, options) : gauge.phase === "suspect";
  if (!beyond) {
    resetGauge(gauge);
    if (finite) becomeCalm(state, log);
    return NO_FINDINGS;
  }
  if (gauge.phase === "quiet") {
    state.cause = test;
    state.peak = 0;
    state.waited = 0;
    // What the loss did before this step belongs to calm times.
    calmDownLosses(state, 1);
  }
  if (finite) state.peak = Math.max(state.peak, norm);
  const patience = test === "initialisation" ? 1 : test === "early growth" ? EARLY_PATIENCE : options.patience;
  if (gauge.streak + 1 >= patience && test !== "initialisation" && !lossIsWorse(state)) return waitForLoss(state, log);
  if (advanceGauge(gauge, frame.step, true, false, { enter: patience, exit: options.exitPatience }) !== "fired") return NO_FINDINGS;
  state.sinceFired = 0;
  return [explosionFinding(state, frame, z, context)];
}

/** The test that a quiet rule would apply, or the one that raised the suspicion. */
function testFor(state: ExplodingGradientState, norm: number, context: RuleContext<ExplodingGradientOptions>): Cause {
  if (state.gauge.phase !== "quiet") return state.cause;
  if (state.observations === 1 && startsTooLarge(state, norm, context)) return "initialisation";
  return state.calm.length < CALM_MIN ? "early growth" : "growth";
}

function isBeyond(test: Cause, logRatio: number, z: number, options: ExplodingGradientOptions): boolean {
  if (test === "initialisation") return true;
  return test === "growth" ? z > options.zEnter : logRatio > Math.log(options.earlyFactor);
}

/** The norm is far out but the loss is fine: after a while this is the new normal. */
function waitForLoss(state: ExplodingGradientState, log: number): readonly Finding[] {
  state.waited += 1;
  if (state.waited >= CALM_MIN && Number.isFinite(log)) {
    forgetNorms(state);
    becomeCalm(state, log);
  }
  return NO_FINDINGS;
}

function watchRecovery(state: ExplodingGradientState, frame: Frame, log: number, options: ExplodingGradientOptions): readonly Finding[] {
  state.sinceFired += 1;
  const limit =
    state.cause === "growth"
      ? state.center + options.zExit * Math.max(state.scale, options.scaleFloor)
      : state.cause === "early growth"
        ? state.center + Math.log(options.earlyFactor) / 2
        : Math.log(options.initialNorm / 2);
  const newNormal = state.sinceFired >= NEW_NORMAL_AFTER && Number.isFinite(log) && state.suspectLosses.length > 0 && !lossIsWorse(state);
  if (newNormal) {
    resetGauge(state.gauge);
  } else if (
    advanceGauge(state.gauge, frame.step, false, log < limit, { enter: options.patience, exit: options.exitPatience }) !== "resolved"
  ) {
    return NO_FINDINGS;
  }
  forgetNorms(state);
  calmDownLosses(state, 0);
  becomeCalm(state, log);
  return [explosionOver(frame.step, newNormal)];
}

function becomeCalm(state: ExplodingGradientState, log: number): void {
  state.calm.push(log);
  if (state.calm.length > CALM_MAX) state.calm.shift();
  calmDownLosses(state, 0);
  state.sinceRefresh += 1;
  if (state.calm.length > CALM_MIN && state.sinceRefresh < REFRESH_EVERY) return;
  const { median: center, scale } = location(state.calm);
  state.center = center;
  state.scale = scale;
  state.sinceRefresh = 0;
}

/** Moves all but the newest `keep` losses to those of calm times. */
function calmDownLosses(state: ExplodingGradientState, keep: number): void {
  while (state.suspectLosses.length > keep) {
    const loss = state.suspectLosses.shift()!;
    if (Number.isFinite(loss)) state.calmLosses.push(loss);
  }
  while (state.calmLosses.length > CALM_LOSSES_MAX) state.calmLosses.shift();
}

/** Early: twice the first loss or more. Later: not below the median of calm times. An unknown loss does not acquit. */
function lossIsWorse(state: ExplodingGradientState): boolean {
  const newest = state.suspectLosses.at(-1);
  if (newest === undefined) return true;
  if (state.cause === "early growth") return Number.isNaN(state.firstLoss) || newest - state.firstLoss > Math.abs(state.firstLoss);
  return state.calmLosses.length === 0 || median(state.suspectLosses) >= median(state.calmLosses);
}

function startsTooLarge(state: ExplodingGradientState, norm: number, { options, facts }: RuleContext<ExplodingGradientOptions>): boolean {
  const chance = chanceLevel(facts);
  return norm > options.initialNorm && chance !== null && (state.suspectLosses.at(-1) ?? 0) > FAR_ABOVE_CHANCE * chance;
}

function keepTrail({ norm: name, trail }: ExplodingGradientState, step: number, norm: number): void {
  if (name !== GRADIENT_TENSORS) return;
  trail.steps.push(step);
  trail.norms.push(norm);
  if (trail.steps.length <= EVIDENCE_POINTS_MAX) return;
  trail.steps.shift();
  trail.norms.shift();
}
