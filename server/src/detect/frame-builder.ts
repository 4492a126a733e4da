// Collects what one rank logs about one step until a later step begins. Bounded: gradient summaries are added up as they
// come, and a step holds at most POINTS_MAX series.

import type { MetricRole, TensorObservation } from "./observation.ts";
import type { Frame } from "./rule.ts";
import { EVIDENCE_TENSORS_MAX } from "./transition.ts";

/** Series of one step that rules get to see together; a run logs two or three. */
const POINTS_MAX = 64;

export type OpenFrame = {
  step: number;
  points: { metric: string; role: MetricRole; value: number }[];
  gradients: { tensors: number; nonFinite: number; sumSquares: number; top: { name: string; norm: number }[] } | null;
  skipped: boolean | null;
};

export function openFrame(step: number): OpenFrame {
  return { step, points: [], gradients: null, skipped: null };
}

/** The newest value of a metric wins. */
export function setPoint(frame: OpenFrame, metric: string, role: MetricRole, value: number): void {
  const known = frame.points.find((point) => point.metric === metric);
  if (known !== undefined) known.value = value;
  else if (frame.points.length < POINTS_MAX) frame.points.push({ metric, role, value });
}

export function addGradient(frame: OpenFrame, tensor: TensorObservation): void {
  frame.gradients ??= { tensors: 0, nonFinite: 0, sumSquares: 0, top: [] };
  const totals = frame.gradients;
  totals.tensors += 1;
  totals.sumSquares += tensor.sumSquares;
  if (nonFiniteElements(tensor) > 0) totals.nonFinite += 1;
  totals.top.push({ name: tensor.name, norm: Math.sqrt(tensor.sumSquares) });
  totals.top.sort((a, b) => b.norm - a.norm || (a.name < b.name ? -1 : 1));
  totals.top.length = Math.min(totals.top.length, EVIDENCE_TENSORS_MAX);
}

export function nonFiniteElements(tensor: TensorObservation): number {
  return tensor.nan + tensor.positiveInfinity + tensor.negativeInfinity;
}

/** In the order of names, so that the order in which a step's series were logged does not matter. */
export function closeFrame(frame: OpenFrame): Frame {
  frame.points.sort((a, b) => (a.metric < b.metric ? -1 : a.metric > b.metric ? 1 : 0));
  return frame;
}
