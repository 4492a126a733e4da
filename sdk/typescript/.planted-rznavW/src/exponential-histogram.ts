// Base-2 exponential histograms in the shape of OpenTelemetry's data model (opentelemetry.io/docs/specs/otel/metrics/data-model,
// "ExponentialHistogram"): bucket i counts |x| in (base^i, base^(i+1)] with base = 2^(2^-scale).
// The scale is the finest at which the values' range fits the bucket limit. Values smaller than the largest by more than
// 30 octaves (about 1e-9 of it) are counted as zero, and the threshold says so: a few subnormal numbers must not cost
// the others their resolution.

import { float32Buckets, hasFloat32Buckets } from "./summarize-float32.ts";
import type { BucketCounts, Histogram } from "./types.ts";

/** Both signs together; a typical summary is then 200 to 400 bytes. */
export const bucketsMax = 160;
const scaleMax = 7;
const octavesMax = 30;
/** Top bits of the mantissa that find a bucket at once. */
const lookupBits = 10;

/** Powers of two around 1, within which |x| is reduced to its mantissa in [1, 2). */
const scratch = new Float64Array(1);
const words = new Uint32Array(scratch.buffer);

/** floor(log2 |x|) of a finite x other than zero. */
export function exponentOf(x: number): number {
  scratch[0] = x;
  const biased = ((words[1] as number) >>> 20) & 0x7ff;
  return biased === 0 ? exponentOf(x * 2 ** 54) - 54 : biased - 1023;
}

/** @param largest Largest |x|, finite and above zero. @param signs 2 when there are values of both signs. */
export function histogramLayout(smallest: number, largest: number, signs: 1 | 2): { scale: number; zeroThreshold: number } {
  const top = exponentOf(largest);
  const bottom = Math.max(exponentOf(smallest), top - octavesMax);
  // An exact power of two lies in the octave below its exponent.
  const octaves = top - bottom + 2;
  const scale = Math.min(scaleMax, Math.floor(Math.log2(bucketsMax / signs / octaves)));
  const zeroThreshold = exponentOf(smallest) < bottom ? 2 ** bottom : 0;
  return { scale, zeroThreshold };
}

interface Boundaries {
  /** upper[i] = 2^((i + 1) / 2^scale), the inclusive upper edge of sub-bucket i of an octave. */
  readonly upper: Float64Array;
  /** By the top bits of a mantissa: the sub-bucket of the smallest mantissa with them. */
  readonly lookup: Uint8Array;
}

const boundariesByScale: (Boundaries | undefined)[] = [];

function boundariesOf(scale: number): Boundaries {
  const known = boundariesByScale[scale];
  if (known !== undefined) return known;
  const count = 2 ** scale;
  const upper = Float64Array.from({ length: count }, (_none, i) => 2 ** ((i + 1) / count));
  const lookup = new Uint8Array(2 ** lookupBits);
  let bucket = 0;
  for (let i = 0; i < lookup.length; i++) {
    const mantissa = 1 + i / lookup.length;
    while (mantissa > (upper[bucket] as number)) bucket++;
    lookup[i] = bucket;
  }
  const made = { upper, lookup };
  boundariesByScale[scale] = made;
  return made;
}

/** Index of the bucket that holds |x|, for a finite x other than zero and a scale of at most 7. */
export function bucketIndex(x: number, scale: number): number {
  scratch[0] = x;
  let high = (words[1] as number) & 0x7fffffff;
  let shift = 0;
  if (high < 0x100000) {
    scratch[0] = x * 2 ** 54;
    high = (words[1] as number) & 0x7fffffff;
    shift = 54;
  }
  const exponent = (high >>> 20) - 1023 - shift;
  const isPowerOfTwo = (high & 0xfffff) === 0 && words[0] === 0;
  if (scale <= 0) return (isPowerOfTwo ? exponent - 1 : exponent) >> -scale;
  if (isPowerOfTwo) return exponent * 2 ** scale - 1;
  const { upper, lookup } = boundariesOf(scale);
  words[1] = (high & 0xfffff) | 0x3ff00000;
  const mantissa = scratch[0];
  let bucket = lookup[(high & 0xfffff) >>> (20 - lookupBits)] as number;
  while (mantissa > (upper[bucket] as number)) bucket++;
  return exponent * 2 ** scale + bucket;
}

/** Counts the finite values; `smallest` and `largest` bound the |x| of those other than zero. */
export function buildHistogram(values: ArrayLike<number>, smallest: number, largest: number, signs: 1 | 2, zeros: number): Histogram {
  if (largest === 0) return { scale: 0, zeroThreshold: 0, zeroCount: zeros, positive: empty, negative: empty };
  const { scale, zeroThreshold } = histogramLayout(smallest, largest, signs);
  const low = bucketIndex(Math.max(smallest, zeroThreshold), scale);
  const size = bucketIndex(largest, scale) - low + 1;
  const positive = new Float64Array(size);
  const negative = new Float64Array(size);
  if (values instanceof Float32Array && hasFloat32Buckets(scale, Math.max(smallest, zeroThreshold))) {
    const zeroCount = float32Buckets(values, scale, zeroThreshold, low, positive, negative);
    return { scale, zeroThreshold, zeroCount, positive: trimmed(positive, low), negative: trimmed(negative, low) };
  }
  let zeroCount = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i] as number;
    const magnitude = Math.abs(x);
    if (magnitude <= zeroThreshold) zeroCount++;
    else if (magnitude <= largest) {
      const at = bucketIndex(x, scale) - low;
      if (x > 0) positive[at] = (positive[at] as number) + 1;
      else negative[at] = (negative[at] as number) + 1;
    }
  }
  return { scale, zeroThreshold, zeroCount, positive: trimmed(positive, low), negative: trimmed(negative, low) };
}

const empty: BucketCounts = { offset: 0, counts: [] };

function trimmed(counts: Float64Array, low: number): BucketCounts {
  const first = counts.findIndex((count) => count > 0);
  if (first < 0) return empty;
  const last = counts.findLastIndex((count) => count > 0);
  return { offset: low + first, counts: counts.slice(first, last + 1) };
}
