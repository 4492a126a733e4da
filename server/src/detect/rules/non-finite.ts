// non-finite: any NaN or Inf that is logged is reported at once. Where training itself is hit (loss, weights, gradients
// of steps that were applied) it is critical and one incident for the whole network, named after the first non-finite
// tensor in topological order; anywhere else it is information. It does not guess what made the value.

import type { MetricRole, TensorKind, TensorObservation } from "../observation.ts";
import type { Finding, Frame, Observation, Rule, RuleContext } from "../rule.ts";
import { NO_FINDINGS } from "../rule.ts";
import { EVIDENCE_TENSORS_MAX } from "../transition.ts";
import { infoFinding, resolvedFinding, trainingFinding } from "./non-finite-words.ts";

export type NonFiniteOptions = { readonly patience: number };

/** Something that was not finite. Scalars have kind "metric", no layer position, and one element. */
export type Source = {
  name: string;
  kind: TensorKind | "metric";
  role: MetricRole;
  topologicalIndex: number;
  step: number;
  elements: number;
  of: number;
  /** The value of a scalar. */
  value: number;
  /** Nothing but -Inf outside the inputs: an attention mask, which explains nothing. */
  mask: boolean;
};

/** A subject that is in trouble, until all that was not finite has been finite for a while. */
export type Trouble = {
  subject: string;
  onsetStep: number;
  firingStep: number;
  /** At the onset step, in topological order, at most three. */
  first: Source[];
  bad: { name: string; lastStep: number; calm: number }[];
};

export type NonFiniteState = {
  /** Subject "training" first if there; then those that are only information. */
  troubles: Trouble[];
  /** Judged when it is known whether their step was applied. */
  waiting: Source[];
  /** Inputs and activations that were not finite at the last such step: candidates for the first tensor. */
  elsewhere: Source[];
  lastRecordStep: number;
  skippedSteps: number[];
  /** The loss to show, as known from complete steps. */
  loss: string;
};

// Subjects that are not a metric's name: worded so that none is likely to be.
export const TRAINING = "training (loss, weights, gradients)";
export const SKIPPED = "skipped steps (loss scaling)";
export const TENSORS = "tensors (inputs, activations)";
export const OTHER_METRICS = "other metrics (more than 8)";

/** Metrics that get an incident of their own; what comes beyond shares one. */
const METRIC_SUBJECTS_MAX = 8;
const BAD_MAX = 64;
const WAITING_MAX = 64;
const SKIPPED_STEPS_MAX = 64;

export const nonFinite: Rule<NonFiniteState, NonFiniteOptions> = {
  id: "non-finite",
  version: 1,
  title: "Non-finite values",
  level: "critical",
  needs: [{ anyOf: ["any"], otherwise: "needs any metric or tensor summary" }],
  orderFree: true,
  invariances: ["loss-scale", "step-shift"],
  options: {
    patience: {
      default: 5,
      min: 1,
      max: 10_000,
      documentation: "Finite observations in a row of each series or tensor that was not finite, after which the incident is resolved",
    },
  },
  init: () => ({ troubles: [], waiting: [], elsewhere: [], lastRecordStep: Number.NEGATIVE_INFINITY, skippedSteps: [], loss: "" }),
  step(state, observation, context) {
    return { state, findings: react(state, observation, context) };
  },
  watches: (state, name) => state.troubles.some(({ bad }) => bad.some((source) => source.name === name)),
  suspects: ({ waiting }) => waiting.length > 0,
};

function react(state: NonFiniteState, observation: Observation, { options }: RuleContext<NonFiniteOptions>): readonly Finding[] {
  switch (observation.kind) {
    case "point": {
      const { metric, role, step, value } = observation;
      if (Number.isFinite(value)) return calm(state, metric, step, options.patience);
      return sight(state, { name: metric, kind: "metric", role, topologicalIndex: 0, step, elements: 1, of: 1, value, mask: false });
    }
    case "tensor": {
      const source = sourceOf(observation.tensor);
      return source.elements === 0 ? calm(state, source.name, source.step, options.patience) : sight(state, source);
    }
    case "step":
      return learnVerdict(state, observation.step, observation.skipped);
    case "frame":
      return closeStep(state, observation.frame);
    case "session":
      return NO_FINDINGS;
  }
}

function sourceOf(tensor: TensorObservation): Source {
  const { name, kind, topologicalIndex, step, count } = tensor;
  const elements = tensor.nan + tensor.positiveInfinity + tensor.negativeInfinity;
  const mask = kind !== "input" && tensor.negativeInfinity === elements;
  return { name, kind, role: "none", topologicalIndex, step, elements, of: count, value: Number.NaN, mask };
}

type Place = "loss" | "weights" | "gradients" | "tensors" | "metrics";

function placeOf({ kind, role }: Source): Place {
  if (kind === "metric") return role === "loss" ? "loss" : role === "gradient-norm" ? "gradients" : "metrics";
  if (kind === "weight") return "weights";
  return kind === "gradient" || kind === "update" || kind === "state-gradient" ? "gradients" : "tensors";
}

function sight(state: NonFiniteState, source: Source): readonly Finding[] {
  switch (placeOf(source)) {
    case "metrics":
      return inform(state, source, metricSubject(state, source.name));
    case "tensors":
      if (source.mask) return inform(state, source, TENSORS);
      noteElsewhere(state, source);
      return [...inform(state, source, TENSORS), ...joinTraining(state, source)];
    case "weights":
      return hitTraining(state, source);
    case "loss":
      // Without step records nobody will say whether the step was applied: do not wait for it.
      return state.lastRecordStep === Number.NEGATIVE_INFINITY ? hitTraining(state, source) : awaitVerdict(state, source);
    case "gradients":
      return awaitVerdict(state, source);
  }
}

function awaitVerdict(state: NonFiniteState, source: Source): readonly Finding[] {
  if (state.skippedSteps.includes(source.step)) return inform(state, source, SKIPPED);
  if (source.step <= state.lastRecordStep) return hitTraining(state, source);
  state.waiting.push(source);
  // Enough is known already; what counts is that the earliest and innermost are kept.
  if (state.waiting.length > WAITING_MAX) state.waiting = state.waiting.toSorted(byPrecedence).slice(0, WAITING_MAX);
  return NO_FINDINGS;
}

function learnVerdict(state: NonFiniteState, step: number, skipped: boolean): readonly Finding[] {
  state.lastRecordStep = Math.max(state.lastRecordStep, step);
  if (skipped && !state.skippedSteps.includes(step)) state.skippedSteps = [...state.skippedSteps, step].slice(-SKIPPED_STEPS_MAX);
  return judgeWaiting(state, (source) => source.step === step);
}

function judgeWaiting(state: NonFiniteState, ready: (source: Source) => boolean): readonly Finding[] {
  if (state.waiting.length === 0) return NO_FINDINGS;
  const judged = state.waiting.filter(ready).toSorted(byPrecedence);
  state.waiting = state.waiting.filter((source) => !ready(source));
  return judged.flatMap((source) =>
    state.skippedSteps.includes(source.step) ? inform(state, source, SKIPPED) : hitTraining(state, source),
  );
}

/** All that was logged about the step is known now: judge what waited, and complete the evidence. */
function closeStep(state: NonFiniteState, frame: Frame): readonly Finding[] {
  for (const { metric, role } of frame.points) {
    if (role === "loss" && (state.loss === "" || metric === "step/loss")) state.loss = metric;
  }
  const findings = judgeWaiting(state, (source) => source.step <= frame.step);
  const training = state.troubles.find(({ subject, onsetStep }) => subject === TRAINING && onsetStep === frame.step);
  if (training === undefined) return findings;
  const ruledOut: string[] = [];
  if (frame.skipped === false) ruledOut.push("loss-scale overflow: the optimiser applied this step");
  if (frame.gradients?.nonFinite === 0) ruledOut.push(`gradients: all ${frame.gradients.tensors} summaries of this step are finite`);
  return [...findings, trainingFinding(training, state.loss, ruledOut)];
}

function hitTraining(state: NonFiniteState, source: Source): readonly Finding[] {
  const known = state.troubles.find(({ subject }) => subject === TRAINING);
  if (known !== undefined) {
    markBad(known, source);
    return joinTraining(state, source);
  }
  const training: Trouble = { subject: TRAINING, onsetStep: source.step, firingStep: source.step, first: [source], bad: [] };
  markBad(training, source);
  for (const other of state.elsewhere) if (other.step === source.step) addFirst(training, other);
  state.troubles.unshift(training);
  return [trainingFinding(training, state.loss, [])];
}

/** A source at the onset step, or one that arrives late from before it, may be the first. */
function joinTraining(state: NonFiniteState, source: Source): readonly Finding[] {
  const training = state.troubles.find(({ subject }) => subject === TRAINING);
  if (training === undefined || source.step > training.onsetStep) return NO_FINDINGS;
  if (source.step < training.onsetStep) {
    if (placeOf(source) === "tensors") return NO_FINDINGS;
    training.onsetStep = source.step;
    training.first = [];
  }
  addFirst(training, source);
  return [trainingFinding(training, state.loss, [])];
}

function inform(state: NonFiniteState, source: Source, subject: string): readonly Finding[] {
  const known = state.troubles.find((trouble) => trouble.subject === subject);
  if (known !== undefined) {
    markBad(known, source);
    return NO_FINDINGS;
  }
  const trouble: Trouble = { subject, onsetStep: source.step, firingStep: source.step, first: [source], bad: [] };
  markBad(trouble, source);
  state.troubles.push(trouble);
  return [infoFinding(trouble)];
}

function metricSubject(state: NonFiniteState, metric: string): string {
  const own = state.troubles.filter(({ subject, first }) => subject !== TRAINING && subject !== SKIPPED && first[0]?.kind === "metric");
  return own.some(({ subject }) => subject === metric) || own.length < METRIC_SUBJECTS_MAX ? metric : OTHER_METRICS;
}

function noteElsewhere(state: NonFiniteState, source: Source): void {
  if (source.step < (state.elsewhere[0]?.step ?? source.step)) return;
  state.elsewhere = [...state.elsewhere.filter(({ step }) => step === source.step), source]
    .toSorted(byPrecedence)
    .slice(0, EVIDENCE_TENSORS_MAX);
}

function addFirst(training: Trouble, source: Source): void {
  const others = training.first.filter(({ name, kind }) => name !== source.name || kind !== source.kind);
  training.first = [...others, source].toSorted(byPrecedence).slice(0, EVIDENCE_TENSORS_MAX + 1);
}

function markBad(trouble: Trouble, { name, step }: Source): void {
  const known = trouble.bad.find((source) => source.name === name);
  if (known === undefined) {
    if (trouble.bad.length < BAD_MAX) trouble.bad.push({ name, lastStep: step, calm: 0 });
    return;
  }
  known.calm = 0;
  known.lastStep = Math.max(known.lastStep, step);
}

function calm(state: NonFiniteState, name: string, step: number, patience: number): readonly Finding[] {
  const findings: Finding[] = [];
  for (const trouble of state.troubles) {
    const source = trouble.bad.find((bad) => bad.name === name);
    if (source === undefined || step <= source.lastStep) continue;
    source.calm += 1;
    if (source.calm >= patience) trouble.bad = trouble.bad.filter((bad) => bad !== source);
    if (trouble.bad.length === 0) findings.push(resolvedFinding(trouble, step, patience));
  }
  if (findings.length > 0) state.troubles = state.troubles.filter(({ bad }) => bad.length > 0);
  return findings;
}

/** Forward through the network, then back: what comes first at one step is where the value was born. */
const ORDER: Readonly<Record<Source["kind"], number>> = {
  input: 0,
  label: 0,
  weight: 1,
  "pre-activation": 2,
  activation: 2,
  output: 2,
  custom: 2,
  gradient: 3,
  "state-gradient": 3,
  update: 4,
  metric: 5,
};

function byPrecedence(a: Source, b: Source): number {
  return (
    a.step - b.step ||
    ORDER[a.kind] - ORDER[b.kind] ||
    a.topologicalIndex - b.topologicalIndex ||
    (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  );
}
