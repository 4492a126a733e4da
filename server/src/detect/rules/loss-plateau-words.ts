// What the rule loss-plateau says: its findings in words, made from what it saw and nothing else.

import { chanceLevel } from "../chance-level.ts";
import type { RunFacts } from "../observation.ts";
import type { FiringFinding, ResolvedFinding } from "../rule.ts";
import { shortNumber } from "../short-number.ts";
import type { LossPlateauOptions, LossPlateauState, Look } from "./loss-plateau.ts";

export function plateauFinding(state: LossPlateauState, look: Look, options: LossPlateauOptions, facts: RunFacts): FiringFinding {
  const { trend } = look;
  const steps = trend.lastStep - trend.firstStep;
  return {
    state: "firing",
    subject: state.loss,
    level: state.level,
    title: "The loss stopped falling",
    message:
      `${state.loss} stays at ${shortNumber(trend.level)}, ${percent(look.remaining)} of ${describeInitial(state, facts)}: ` +
      `over the last ${steps} steps it fell by ${percent(look.gain)}.`,
    advice: look.decayed ? DECAYED_ADVICE : ADVICE,
    onsetStep: state.gauge.onsetStep,
    step: state.lastStep,
    statistic: { name: `fall of the loss over ${steps} steps, as a share of it`, value: look.gain, threshold: options.gainEnter },
    window: { metric: state.loss },
    topTensors: [],
    ruledOut: ruledOutBy(state, look),
  };
}

export function plateauOver(state: LossPlateauState, look: Look): ResolvedFinding {
  return {
    state: "resolved",
    subject: state.loss,
    step: state.lastStep,
    message: `${state.loss} falls again: by ${percent(look.gain)} over the last ${look.trend.lastStep - look.trend.firstStep} steps, to ${shortNumber(look.trend.level)}.`,
  };
}

function describeInitial(state: LossPlateauState, facts: RunFacts): string {
  const chance = chanceLevel(facts);
  if (chance !== null && chance < state.initialLoss) return `the ${shortNumber(chance)} of guessing`;
  return `the ${shortNumber(state.initialLoss)} it began with`;
}

function ruledOutBy(state: LossPlateauState, look: Look): readonly string[] {
  const out = [
    `convergence: ${percent(look.remaining)} of the initial loss remains`,
    `noise: the fall is at most ${percent(look.gainUpper)} with two standard errors`,
  ];
  if (!Number.isNaN(state.learningRate)) {
    out.push(
      look.decayed
        ? "warm-up: the learning rate is past its maximum"
        : `a decayed learning rate: it is ${shortNumber(state.learningRate)}, its maximum was ${shortNumber(state.learningRateMax)}`,
    );
  }
  return out;
}

const ADVICE = [
  "Decay the learning rate: by 3 to 10 once, or on a schedule (cosine, or when the loss stalls).",
  "If the loss sits at the level of guessing, check labels and wiring first: can the network overfit ten samples?",
  "Look for layers whose updates are 0 (frozen by mistake), and for dead or saturated units.",
  "If everything moves and nothing is gained, the network may be too small for the task.",
];

const DECAYED_ADVICE = [
  "The learning rate is low already: a longer run at this rate gains little. Restart from a higher one, or decay later.",
  "Give the network more capacity, or check that it can overfit a small part of the data.",
];

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
