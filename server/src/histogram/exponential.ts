// Arithmetic of base-2 exponential histograms in the shape of OpenTelemetry's data model: with base = 2^(2^-scale),
// bucket i of a side counts absolute values in (base^(offset + i), base^(offset + i + 1)]. Lowering the scale by one joins
// neighbours exactly, so merging is exact, commutative and associative. Pure; counts are numbers up to 2^53.

/** Buckets of one sign. */
export interface Side {
  readonly offset: number;
  readonly counts: readonly number[];
}

export interface ExponentialHistogram {
  readonly scale: number;
  /** Values with |x| <= zeroThreshold are counted in zeroCount. */
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positive: Side;
  readonly negative: Side;
}

export const emptySide: Side = { offset: 0, counts: [] };
export const emptyHistogram: ExponentialHistogram = { scale: 20, zeroThreshold: 0, zeroCount: 0, positive: emptySide, negative: emptySide };

/** Lower absolute bound of a bucket, excluded; the next bucket's is its upper bound. 0 and Infinity at the float's ends. */
export const lowerBound = (scale: number, index: number): number => 2 ** (index * 2 ** -scale);

export const totalCount = ({ zeroCount, positive, negative }: ExponentialHistogram): number =>
  zeroCount + sum(positive.counts) + sum(negative.counts);

/** The same counts at a coarser scale. */
export function lowerScale(histogram: ExponentialHistogram, scale: number): ExponentialHistogram {
  if (scale > histogram.scale) throw new RangeError(`scale ${histogram.scale} cannot be refined to ${scale}`);
  if (scale === histogram.scale) return histogram;
  const joined = 2 ** (histogram.scale - scale);
  return { ...histogram, scale, positive: joinBuckets(histogram.positive, joined), negative: joinBuckets(histogram.negative, joined) };
}

/** At the coarser scale and the larger zero threshold of the two; what is in a bucket below it stays there. */
export function merge(a: ExponentialHistogram, b: ExponentialHistogram): ExponentialHistogram {
  const scale = Math.min(a.scale, b.scale);
  const [left, right] = [lowerScale(a, scale), lowerScale(b, scale)];
  return {
    scale,
    zeroThreshold: Math.max(a.zeroThreshold, b.zeroThreshold),
    zeroCount: left.zeroCount + right.zeroCount,
    positive: addSides(left.positive, right.positive),
    negative: addSides(left.negative, right.negative),
  };
}

function joinBuckets({ offset, counts }: Side, joined: number): Side {
  if (counts.length === 0) return emptySide;
  const first = Math.floor(offset / joined);
  const result = new Array<number>(Math.floor((offset + counts.length - 1) / joined) - first + 1).fill(0);
  counts.forEach((count, i) => {
    const bucket = Math.floor((offset + i) / joined) - first;
    result[bucket] = (result[bucket] as number) + count;
  });
  return trimmed(first, result);
}

function addSides(a: Side, b: Side): Side {
  if (a.counts.length === 0) return trimmed(b.offset, b.counts);
  if (b.counts.length === 0) return trimmed(a.offset, a.counts);
  const offset = Math.min(a.offset, b.offset);
  const result = new Array<number>(Math.max(a.offset + a.counts.length, b.offset + b.counts.length) - offset).fill(0);
  for (const side of [a, b]) {
    side.counts.forEach((count, i) => {
      const bucket = side.offset - offset + i;
      result[bucket] = (result[bucket] as number) + count;
    });
  }
  return trimmed(offset, result);
}

/** One form for equal contents: no empty bucket at either end. */
function trimmed(offset: number, counts: readonly number[]): Side {
  const first = counts.findIndex((count) => count > 0);
  if (first < 0) return emptySide;
  return { offset: offset + first, counts: counts.slice(first, counts.findLastIndex((count) => count > 0) + 1) };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
