// Robust location and scale: what a few wild values cannot move. NaN must not reach these functions.

/** Makes the MAD of normal data estimate its standard deviation: 1 / Φ⁻¹(3/4). */
export const MAD_TO_STANDARD_DEVIATION = 1.4826;

/** The middle value, or the mean of the middle two; NaN for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  if (values.length === 3) return medianOfThree(values[0]!, values[1]!, values[2]!);
  return sortedMedian(values.toSorted((a, b) => a - b));
}

function sortedMedian(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  // Halved before adding: two values of 1e308 do not overflow.
  return sorted.length % 2 === 1 ? sorted[middle]! : sorted[middle - 1]! / 2 + sorted[middle]! / 2;
}

function medianOfThree(a: number, b: number, c: number): number {
  return a < b ? (b < c ? b : a < c ? c : a) : a < c ? a : b < c ? c : b;
}

export interface Location {
  readonly median: number;
  /** 1.4826 × the median absolute deviation; 0 for constant values. */
  readonly scale: number;
}

export function location(values: readonly number[]): Location {
  const center = median(values);
  return { median: center, scale: MAD_TO_STANDARD_DEVIATION * median(values.map((value) => Math.abs(value - center))) };
}
