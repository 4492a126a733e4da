// The words at the cursor: the step, and what each line has there.

import type { Buckets } from "@gradwatch/server/api-types";
import { formatCount, formatNumber } from "../format.ts";
import type { OnsetMarker } from "./marks.ts";

export interface ReadoutRow {
  readonly text: string;
  readonly color?: string;
}

interface ReadoutLine {
  readonly label: string;
  readonly color: string;
  readonly buckets: Buckets;
}

/** `meanOf`: what is drawn for a line there; undefined where the line has no bucket at this step. */
export function readoutAt(
  step: number,
  lines: readonly ReadoutLine[],
  onsets: readonly OnsetMarker[],
  meanOf: (line: number) => number | null | undefined,
  axis = "step",
): ReadoutRow[] {
  const rows = lines.flatMap(({ label, color, buckets }, line): ReadoutRow[] => {
    if (meanOf(line) === undefined) return [];
    const at = buckets.step.indexOf(step);
    return at < 0 ? [] : [{ text: `${label}${label === "" ? "" : ": "}${valueText(buckets, at)}`, color }];
  });
  return [
    { text: `${axis} ${axis === "step" ? formatCount(step) : formatNumber(step)}` },
    ...rows,
    ...onsets.map(({ title, step: onset }) => ({ text: `▲ ${title} (from step ${onset})` })),
  ];
}

function valueText(buckets: Buckets, at: number): string {
  const count = buckets.count[at] ?? 0;
  const nonFinite = buckets.nonFinite[at] ?? 0;
  if (count === 1) return formatNumber(buckets.last[at]);
  const bad = nonFinite > 0 ? `, ${formatCount(nonFinite)} non-finite` : "";
  if (nonFinite === count) return `${formatCount(count)} points, all non-finite`;
  const extremes = `${formatNumber(buckets.min[at])} to ${formatNumber(buckets.max[at])}`;
  return `${formatNumber(buckets.mean[at])} (${extremes}, ${formatCount(count)} points to step ${formatCount(buckets.stepLast[at] ?? 0)}${bad})`;
}
