// Which statistics a kind of tensor can have, the one to begin with first.

import type { Tensor, TensorMatrix } from "@gradwatch/server/api-types";

type Kind = Tensor["kind"];
type Statistic = TensorMatrix["statistic"];

export const STATISTIC_TITLES: Readonly<Record<Statistic, string>> = {
  norm: "L2 norm",
  std: "standard deviation",
  mean: "mean",
  min: "minimum",
  max: "maximum",
  "zero-share": "share of zeros",
  "non-finite": "non-finite elements",
  ratio: "norm ÷ norm of the weight",
  "dead-unit-share": "share of dead units",
  "unspread-share": "share of units that never vary",
  "derivative-share": "share of flat derivatives",
  surprise: "update surprise, RMS(g²/v)",
};

/** Of the elements: every kind has them. */
const MOMENTS: readonly Statistic[] = ["norm", "std", "mean", "min", "max", "zero-share", "non-finite"];

const OWN: Readonly<Record<Kind, { readonly first: readonly Statistic[]; readonly last: readonly Statistic[] }>> = {
  weight: { first: [], last: [] },
  gradient: { first: [], last: ["ratio", "surprise"] },
  update: { first: ["ratio"], last: ["surprise"] },
  activation: { first: ["dead-unit-share"], last: ["unspread-share", "derivative-share"] },
  "pre-activation": { first: ["derivative-share"], last: ["dead-unit-share", "unspread-share"] },
  input: { first: [], last: ["unspread-share"] },
  output: { first: [], last: ["unspread-share", "derivative-share"] },
  label: { first: [], last: [] },
  "state-gradient": { first: [], last: [] },
  // Anything may be logged as one.
  custom: { first: [], last: ["dead-unit-share", "unspread-share", "derivative-share", "surprise"] },
};

export const statisticsOf = (kind: Kind): readonly Statistic[] => [...OWN[kind].first, ...MOMENTS, ...OWN[kind].last];

/** What is wanted where the kind has it, else what it begins with. */
export function statisticOf(kind: Kind, wanted: Statistic | undefined): Statistic {
  const [first = "norm"] = statisticsOf(kind);
  return wanted !== undefined && statisticsOf(kind).includes(wanted) ? wanted : first;
}

const KINDS_FIRST: readonly Kind[] = [
  "gradient",
  "weight",
  "update",
  "activation",
  "pre-activation",
  "state-gradient",
  "input",
  "output",
  "label",
];

/** Kinds that the tensors have, the usual order first. */
export const kindsOf = (tensors: readonly Tensor[]): Kind[] => {
  const present = new Set(tensors.map(({ kind }) => kind));
  return [...KINDS_FIRST.filter((kind) => present.has(kind)), ...[...present].filter((kind) => !KINDS_FIRST.includes(kind))];
};
