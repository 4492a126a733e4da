// A curve over another metric than the step, as `defineMetric({ stepMetric })` asks for: each bucket moves to where that metric
// stood at the bucket's last step. Buckets that meet there become one, so no spike hides behind another; where the other metric
// has no finite value yet, there is no place to draw.

import type { Buckets, Float } from "@gradwatch/server/api-types";

export function overMetric(buckets: Buckets, axis: Buckets): Buckets {
  const places = new Map<number, number[]>();
  let at = -1;
  buckets.stepLast.forEach((step, i) => {
    while (at + 1 < axis.step.length && (axis.step[at + 1] as number) <= step) at++;
    const x = axis.last[at];
    if (typeof x === "number") places.set(x, [...(places.get(x) ?? []), i]);
  });
  const sorted = [...places].toSorted(([a], [b]) => a - b);
  const merged = sorted.map(([x, indices]) => ({ x, ...merge(buckets, indices) }));
  return {
    step: merged.map(({ x }) => x),
    stepLast: merged.map(({ x }) => x),
    time: merged.map(({ time }) => time),
    min: merged.map(({ min }) => min),
    max: merged.map(({ max }) => max),
    mean: merged.map(({ mean }) => mean),
    last: merged.map(({ last }) => last),
    count: merged.map(({ count }) => count),
    nonFinite: merged.map(({ nonFinite }) => nonFinite),
  };
}

interface Merged {
  readonly time: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly last: Float;
  readonly count: number;
  readonly nonFinite: number;
}

/** `indices` ascending: the last is the newest. */
function merge({ time, min, max, mean, last, count, nonFinite }: Buckets, indices: readonly number[]): Merged {
  const newest = indices.at(-1) as number;
  const all = indices.map((i) => ({
    min: min[i] ?? null,
    max: max[i] ?? null,
    mean: mean[i] ?? null,
    finite: (count[i] ?? 0) - (nonFinite[i] ?? 0),
  }));
  const finite = all.flatMap((one) =>
    one.min === null || one.max === null || one.mean === null ? [] : [{ ...one, min: one.min, max: one.max, mean: one.mean }],
  );
  const points = finite.reduce((sum, one) => sum + one.finite, 0);
  const none = finite.length === 0;
  return {
    time: time[newest] as number,
    min: none ? null : finite.reduce((low, one) => Math.min(low, one.min), Number.POSITIVE_INFINITY),
    max: none ? null : finite.reduce((high, one) => Math.max(high, one.max), Number.NEGATIVE_INFINITY),
    mean: none ? null : finite.reduce((sum, one) => sum + one.mean * (one.finite / points), 0),
    last: last[newest] as Float,
    count: indices.reduce((sum, i) => sum + (count[i] ?? 0), 0),
    nonFinite: indices.reduce((sum, i) => sum + (nonFinite[i] ?? 0), 0),
  };
}
