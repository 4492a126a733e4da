// What the rule non-finite says: its findings in words, made from what it found and nothing else.

import type { FiringFinding, ResolvedFinding } from "../rule.ts";
import { EVIDENCE_TENSORS_MAX } from "../transition.ts";
import { OTHER_METRICS, SKIPPED, type Source, TENSORS, type Trouble } from "./non-finite.ts";

export function trainingFinding(trouble: Trouble, loss: string, ruledOut: readonly string[]): FiringFinding {
  const first = trouble.first[0]!;
  const scalar = trouble.first.find(({ kind, role }) => kind === "metric" && role === "loss");
  const shown = scalar ?? trouble.first.find(({ kind }) => kind === "metric");
  const tensors = trouble.first.filter(({ kind }) => kind !== "metric").slice(0, EVIDENCE_TENSORS_MAX);
  return {
    state: "firing",
    subject: trouble.subject,
    level: "critical",
    title: "Training is not finite any more",
    message: `${describe(first)} at step ${trouble.onsetStep}${tensors.length > 0 ? "; the first non-finite tensor in topological order" : ""}.`,
    advice: adviceFor(first),
    onsetStep: trouble.onsetStep,
    step: trouble.firingStep,
    statistic: { name: `non-finite values in ${first.name}`, value: first.elements, threshold: 0 },
    window:
      shown === undefined
        ? loss === ""
          ? null
          : { metric: loss }
        : { metric: shown.name, point: { step: shown.step, value: shown.value } },
    topTensors: tensors.map(({ name, kind, elements }) => ({ name, kind, value: elements })),
    ruledOut,
  };
}

export function infoFinding(trouble: Trouble): FiringFinding {
  const first = trouble.first[0]!;
  return {
    state: "firing",
    subject: trouble.subject,
    level: "info",
    title: `Non-finite values in ${trouble.subject}`,
    message: `${describe(first)} at step ${trouble.onsetStep}. ${meaningOf(trouble.subject)}`,
    advice: [
      "Nothing to do if the value is meant to be absent, masked or skipped.",
      "Otherwise look at the code that computes it: division by a count of 0, log of 0, an empty batch.",
    ],
    onsetStep: trouble.onsetStep,
    step: trouble.firingStep,
    statistic: { name: `non-finite values in ${first.name}`, value: first.elements, threshold: 0 },
    window: first.kind === "metric" ? { metric: first.name, point: { step: first.step, value: first.value } } : null,
    topTensors: first.kind === "metric" ? [] : [{ name: first.name, kind: first.kind, value: first.elements }],
    ruledOut: [],
  };
}

export function resolvedFinding({ subject, onsetStep }: Trouble, step: number, patience: number): ResolvedFinding {
  return {
    state: "resolved",
    subject,
    step,
    message: `Finite again at step ${step} (${patience} observations in a row); it began at step ${onsetStep}.`,
  };
}

function describe({ name, kind, elements, of, value }: Source): string {
  if (kind === "metric") return `${name} is ${value}`;
  return `${kind} ${name} has ${elements} non-finite of ${of} elements`;
}

function meaningOf(subject: string): string {
  if (subject === SKIPPED) return "The optimiser skipped that step, as dynamic loss scaling does as a matter of course.";
  if (subject === TENSORS) return "Masks are made of -Inf; a NaN here reaches the loss soon if the value is used.";
  if (subject === OTHER_METRICS) return "More metrics than can have an incident of their own are not finite.";
  return "No rule depends on it: many teams log NaN for an absent value.";
}

function adviceFor(first: Source): readonly string[] {
  if (first.kind === "input" || first.kind === "label") {
    return [
      "Look at the data of the batches named in the evidence: missing pixels, division by a standard deviation of 0, corrupt records.",
      "Drop or repair such samples before they reach the network, and check the range of every channel.",
    ];
  }
  const general = [
    "Go back to the last checkpoint before the onset step.",
    "Divide the learning rate by 10, or warm it up over the first steps.",
    "Clip the gradient's norm (1 is a common start).",
  ];
  if (first.kind === "metric" && first.role === "loss") {
    return [
      "If weights and gradients are finite, the loss itself is: keep the arguments of log, sqrt and division away from 0.",
      ...general,
      "Centre and scale the inputs.",
    ];
  }
  return [...general, "Centre and scale the inputs, and start from smaller weights (He or Glorot initialisation)."];
}
