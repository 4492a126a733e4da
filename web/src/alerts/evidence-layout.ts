// Geometry of the small picture in an alert: the window of values that a rule saw, in a box of 100 × 40 units.

import type { Evidence, Float } from "@gradwatch/server/api-types";

export const WIDTH = 100;
export const HEIGHT = 40;

export interface EvidenceLayout {
  /** SVG path of the finite values; broken where one is not finite. */
  readonly path: string;
  /** Places of the values that are not finite. */
  readonly nonFinite: readonly number[];
  readonly onset: number | null;
  readonly firing: number | null;
  readonly logarithmic: boolean;
  readonly min: number | null;
  readonly max: number | null;
}

/** Ranges of more than this factor are drawn on a logarithmic axis. */
const LOG_FROM = 50;

export function layOutEvidence(
  { steps, values }: NonNullable<Evidence["window"]>,
  onsetStep: number | null,
  firingStep: number | null,
): EvidenceLayout {
  const finite = values.filter((value): value is number => typeof value === "number");
  const min = finite.length === 0 ? null : Math.min(...finite);
  const max = finite.length === 0 ? null : Math.max(...finite);
  const logarithmic = min !== null && max !== null && min > 0 && max / min > LOG_FROM;
  const y = yOf(min ?? 0, max ?? 1, logarithmic);
  const x = xOf(steps);
  let path = "";
  let pen = false;
  values.forEach((value, i) => {
    if (typeof value !== "number") {
      pen = false;
      return;
    }
    // "h0" makes a dot of a point that has no neighbour.
    path += `${pen ? "L" : "M"}${round(x(steps[i] as number))} ${round(y(value))}${pen ? "" : "h0"}`;
    pen = true;
  });
  const inside = (step: number | null): number | null =>
    step === null || steps.length === 0 || step < (steps[0] as number) || step > (steps.at(-1) as number) ? null : round(x(step));
  return {
    path,
    nonFinite: values.flatMap((value: Float, i) => (typeof value === "number" ? [] : [round(x(steps[i] as number))])),
    onset: inside(onsetStep),
    firing: inside(firingStep),
    logarithmic,
    min,
    max,
  };
}

function xOf(steps: readonly number[]): (step: number) => number {
  const first = steps[0] ?? 0;
  const width = (steps.at(-1) ?? 0) - first || 1;
  return (step) => 2 + ((step - first) / width) * (WIDTH - 4);
}

function yOf(min: number, max: number, logarithmic: boolean): (value: number) => number {
  const of = logarithmic ? Math.log : (value: number): number => value;
  const low = of(min);
  const height = of(max) - low;
  return (value) => (height > 0 && Number.isFinite(height) ? HEIGHT - 3 - ((of(value) - low) / height) * (HEIGHT - 6) : HEIGHT / 2);
}

const round = (value: number): number => Math.round(value * 100) / 100;
