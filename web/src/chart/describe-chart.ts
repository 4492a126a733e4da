// A chart in one sentence a line, for those who do not see it.

import type { Buckets } from "@gradwatch/server/api-types";
import { formatCount, formatNumber } from "../format.ts";

/** @param axis What is on the x axis: "step", or a metric. */
export function describeChart(
  metric: string,
  lines: readonly { readonly label: string; readonly buckets: Buckets }[],
  axis = "step",
): string {
  if (lines.every(({ buckets }) => buckets.step.length === 0)) return `${metric}: no points yet.`;
  return lines.map(({ label, buckets }) => describeLine(label === "" ? metric : `${metric} of ${label}`, buckets, axis)).join(" ");
}

function describeLine(name: string, { step, stepLast, count, min, max, last, nonFinite }: Buckets, axis: string): string {
  const place = (x: number): string => (axis === "step" ? formatCount(x) : formatNumber(x));
  if (step.length === 0) return `${name}: no points.`;
  const finiteMin = min.reduce<number | null>((a, b) => (a === null ? b : b === null ? a : Math.min(a, b)), null);
  const finiteMax = max.reduce<number | null>((a, b) => (a === null ? b : b === null ? a : Math.max(a, b)), null);
  const bad = nonFinite.reduce((a, b) => a + b, 0);
  const firstBad = step[nonFinite.findIndex((n) => n > 0)];
  const points = count.reduce((a, b) => a + b, 0);
  return (
    `${name}: ${formatCount(points)} points from ${axis} ${place(step[0] as number)} to ${place(stepLast.at(-1) as number)}, ` +
    `last ${formatNumber(last.at(-1))}, lowest ${formatNumber(finiteMin)}, highest ${formatNumber(finiteMax)}` +
    (bad > 0 ? `, ${formatCount(bad)} not finite, the first from ${axis} ${place(firstBad as number)}.` : ".")
  );
}
