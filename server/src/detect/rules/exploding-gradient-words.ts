// What the rule exploding-gradient says: its findings in words, made from its state and nothing else.

import { chanceLevel } from "../chance-level.ts";
import { median } from "../robust.ts";
import type { FiringFinding, Frame, ResolvedFinding, RuleContext } from "../rule.ts";
import { shortNumber } from "../short-number.ts";
import { type ExplodingGradientOptions, type ExplodingGradientState, GRADIENT_TENSORS } from "./exploding-gradient.ts";

/** Which of the rule's tests found it. */
export type Cause = "growth" | "early growth" | "initialisation";

export const SUBJECT = "gradient norm";

export function explosionFinding(
  state: ExplodingGradientState,
  frame: Frame,
  z: number,
  context: RuleContext<ExplodingGradientOptions>,
): FiringFinding {
  const onsetStep = state.gauge.onsetStep;
  return {
    state: "firing",
    subject: SUBJECT,
    level: "high",
    title: state.cause === "initialisation" ? "The gradient is far too large from the start" : "The gradient explodes",
    message: messageOf(state, frame, context),
    advice: state.cause === "initialisation" ? INITIALISATION_ADVICE : GROWTH_ADVICE,
    onsetStep,
    step: frame.step,
    statistic: statisticOf(state, z, context.options),
    window:
      state.norm === GRADIENT_TENSORS
        ? { series: GRADIENT_TENSORS, steps: [...state.trail.steps], values: [...state.trail.norms] }
        : { metric: state.norm },
    topTensors: state.top.map(({ name, norm }) => ({ name, kind: "gradient", value: norm })),
    ruledOut: ruledOutBy(state, frame),
  };
}

export function explosionOver(step: number, newNormal: boolean): ResolvedFinding {
  const message = newNormal
    ? `The norm stays higher than before, but the loss improves: at step ${step} this is its new range.`
    : `The norm is back in its earlier range at step ${step}.`;
  return { state: "resolved", subject: SUBJECT, step, message };
}

function statisticOf(state: ExplodingGradientState, z: number, options: ExplodingGradientOptions): FiringFinding["statistic"] {
  if (state.cause === "initialisation")
    return { name: "gradient norm of the first step", value: state.peak, threshold: options.initialNorm };
  if (state.cause === "early growth")
    return { name: "gradient norm / median so far", value: state.peak / Math.exp(state.center), threshold: options.earlyFactor };
  return { name: "robust z of the log gradient norm", value: z, threshold: options.zEnter };
}

function messageOf(state: ExplodingGradientState, frame: Frame, { facts }: RuleContext<ExplodingGradientOptions>): string {
  const peak = shortNumber(state.peak);
  const loss = state.suspectLosses.at(-1);
  const lossNow =
    loss === undefined ? "" : Number.isFinite(loss) ? ` while the loss reads ${shortNumber(loss)}` : " and the loss is not finite any more";
  if (state.cause === "initialisation") {
    return `The gradient norm of the first step is ${peak}${lossNow}; a network that knows nothing would have ${shortNumber(chanceLevel(facts) ?? Number.NaN)}.`;
  }
  return `The gradient norm went from about ${shortNumber(Math.exp(state.center))} to ${peak} between step ${state.gauge.onsetStep} and ${frame.step}${lossNow}.`;
}

function ruledOutBy(state: ExplodingGradientState, frame: Frame): readonly string[] {
  const out: string[] = [];
  if (frame.skipped === false) out.push("loss-scale overflow: the optimiser applied this step");
  if (state.cause !== "growth") return out;
  out.push("one odd batch: the norm stayed out for several observations");
  if (state.calmLosses.length > 0 && state.suspectLosses.length > 0) {
    out.push(
      `a useful rise: the loss did not improve (median ${shortNumber(median(state.calmLosses))} before, ${shortNumber(median(state.suspectLosses))} since)`,
    );
  }
  return out;
}

const GROWTH_ADVICE = [
  "Clip the gradient's norm (start at 1, or at twice the median norm of calm times).",
  "Divide the learning rate by 3 to 10, or warm it up.",
  "Go back to the last checkpoint before the onset step; skip the batches named in the evidence if they recur.",
  "With Adam, lower beta2 (0.95): its second moment follows a rising gradient too slowly.",
];

const INITIALISATION_ADVICE = [
  "Start from smaller weights: He initialisation for ReLU, Glorot for tanh and sigmoid.",
  "Centre and scale the inputs: raw 0 to 255 pixels alone multiply the gradient.",
  "Clip the gradient's norm for the first steps, or normalise the layers (batch or layer norm).",
];
