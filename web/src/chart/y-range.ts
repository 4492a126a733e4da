// The y axis of a chart. Linear: everything, with room. Logarithmic: only positive values have a place, and a chart
// without any falls back to linear.

export type YScale = "linear" | "log";

/** A range of more than this factor is first shown on a logarithmic axis: an explosion flattens all that was before it. */
const LOG_FROM = 1e4;

export function usualScale(values: Iterable<number | null | undefined>): YScale {
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    if (value <= 0) return "linear";
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return max / min > LOG_FROM ? "log" : "linear";
}

export function allPositive(values: Iterable<number | null | undefined>): boolean {
  let any = false;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    if (value <= 0) return false;
    any = true;
  }
  return any;
}

/** Spreads below this share of the value are rounding: a constant is drawn as a flat line, not as noise. */
const ROUNDING = 1e-9;

/** Limits with a margin of 5 %; a flat line gets room above and below. */
export function linearRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  if (max - min <= ROUNDING * Math.max(Math.abs(min), Math.abs(max))) {
    const room = Math.abs(min) / 10 || 1;
    return [min - room, max + room];
  }
  // Halves first: the difference of extremes may overflow.
  const room = (max / 2 - min / 2) * 0.1;
  return [min - room, max + room];
}

export function logRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !(min > 0) || !(max > 0)) return [0.1, 1];
  const room = Math.max((Math.log10(max) - Math.log10(min)) * 0.05, 0.02);
  return [10 ** (Math.log10(min) - room), 10 ** (Math.log10(max) + room)];
}

const DECADE_TICKS_MAX = 6;

/** Ticks of a logarithmic axis: powers of ten, thinned to a few; within one decade or two also 2 and 5 times them. */
export function logTicks(min: number, max: number): number[] {
  const [first, last] = [Math.floor(Math.log10(min)), Math.ceil(Math.log10(max))];
  const within = (tick: number): boolean => tick >= min && tick <= max;
  if (last - first <= 3) {
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
      .flatMap((power) => [1, 2, 5].map((factor) => factor * 10 ** power))
      .filter(within);
  }
  const stride = Math.ceil((last - first) / DECADE_TICKS_MAX);
  return Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, i) => 10 ** (first + i * stride)).filter(within);
}
