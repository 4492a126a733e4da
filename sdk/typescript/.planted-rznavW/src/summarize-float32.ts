// The same as the plain walk over the values, for what nearly every tensor is: float32, by the bits. Signs, zeros and buckets
// come out of integer arithmetic without branches that a processor would guess wrong half of the time.

/** What one walk finds out. */
export interface Moments {
  nan: number;
  positiveInfinity: number;
  negativeInfinity: number;
  zero: number;
  negative: number;
  positive: number;
  min: number;
  max: number;
  /** Smallest |x| above zero; Infinity: there is none. */
  smallest: number;
  sum: number;
  sumSquares: number;
  sumAbsolute: number;
}

const MAGNITUDE = 0x7fffffff;
const INFINITE = 0x7f800000;
const MANTISSA_BITS = 23;
const MANTISSA = 2 ** MANTISSA_BITS - 1;
/** Smallest normal float32. */
const SMALLEST_NORMAL = 2 ** -126;

const bitsOf = (values: Float32Array): Int32Array => new Int32Array(values.buffer, values.byteOffset, values.length);

/** Small enough to stay in the cache, large enough for a loop to run hot. */
const BLOCK = 16_384;

export function float32Moments(values: Float32Array): Moments {
  const bits = bitsOf(values);
  const moments: Moments = {
    nan: 0,
    positiveInfinity: 0,
    negativeInfinity: 0,
    zero: 0,
    negative: 0,
    positive: 0,
    min: Infinity,
    max: -Infinity,
    smallest: Infinity,
    sum: 0,
    sumSquares: 0,
    sumAbsolute: 0,
  };
  for (let from = 0; from < values.length; from += BLOCK) {
    const to = Math.min(values.length, from + BLOCK);
    if (!addFiniteBlock(moments, values, bits, from, to)) addAnyBlock(moments, values, from, to);
  }
  return moments;
}

/** False, and nothing is added: not all of the block is finite. */
function addFiniteBlock(moments: Moments, values: Float32Array, bits: Int32Array, from: number, to: number): boolean {
  let { sum, sumSquares, sumAbsolute } = moments;
  let [zero, negative, largestBits] = [0, 0, 0];
  // |x| − 1 in the last place, without the sign: zero is the largest.
  let smallestBits = MAGNITUDE;
  // Bits in the order of the numbers: those of negative ones turned around.
  let [lowest, highest] = [MAGNITUDE, -MAGNITUDE - 1];
  for (let i = from; i < to; i++) {
    const bit = bits[i] as number;
    const x = values[i] as number;
    sum += x;
    sumSquares += x * x;
    sumAbsolute += Math.abs(x);
    const magnitude = bit & MAGNITUDE;
    const below = (magnitude - 1) | 0;
    // 1 for zero, of either sign.
    const isZero = below >>> 31;
    zero = (zero + isZero) | 0;
    negative = (negative + ((bit >>> 31) & (isZero ^ 1))) | 0;
    const ranked = below & MAGNITUDE;
    if (ranked < smallestBits) smallestBits = ranked;
    if (magnitude > largestBits) largestBits = magnitude;
    const ordered = bit ^ ((bit >> 31) & MAGNITUDE);
    if (ordered < lowest) lowest = ordered;
    if (ordered > highest) highest = ordered;
  }
  if (largestBits >= INFINITE) return false;
  moments.sum = sum;
  moments.sumSquares = sumSquares;
  moments.sumAbsolute = sumAbsolute;
  moments.zero += zero;
  moments.negative += negative;
  moments.positive += to - from - zero - negative;
  moments.min = Math.min(moments.min, floatOf(turned(lowest)));
  moments.max = Math.max(moments.max, floatOf(turned(highest)));
  if (zero < to - from) moments.smallest = Math.min(moments.smallest, floatOf(smallestBits + 1));
  return true;
}

const turned = (ordered: number): number => ordered ^ ((ordered >> 31) & MAGNITUDE);

function addAnyBlock(moments: Moments, values: Float32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const x = values[i] as number;
    const magnitude = Math.abs(x);
    if (Number.isNaN(x)) moments.nan += 1;
    else if (x === Infinity) moments.positiveInfinity += 1;
    else if (x === -Infinity) moments.negativeInfinity += 1;
    else {
      moments.sum += x;
      moments.sumSquares += x * x;
      moments.sumAbsolute += magnitude;
      if (x > 0) moments.positive += 1;
      else if (x < 0) moments.negative += 1;
      else moments.zero += 1;
      if (x < moments.min) moments.min = x;
      if (x > moments.max) moments.max = x;
      if (magnitude > 0 && magnitude < moments.smallest) moments.smallest = magnitude;
    }
  }
}

const scratchBits = new Int32Array(1);
const scratchFloat = new Float32Array(scratchBits.buffer);

function floatOf(bits: number): number {
  scratchBits[0] = bits;
  return scratchFloat[0] as number;
}

function bitOf(value: number): number {
  scratchFloat[0] = value;
  return scratchBits[0] as number;
}

/** Top bits of the mantissa that find a bucket up to its one edge among them. */
const CELL_BITS = 10;
const CELL_SHIFT = MANTISSA_BITS - CELL_BITS;

/**
 * By the top bits of a mantissa: bucket + 1, within its octave, of the smallest mantissa with them (0: an exact power of two,
 * which lies in the octave below), shifted beyond the largest mantissa that is still in it.
 */
type Cells = Int32Array;

const cellsByScale: (Cells | undefined)[] = [];

/** At a scale of at most 7 an edge comes at most once in a thousandth of an octave. */
function cellsOf(scale: number): Cells {
  const known = cellsByScale[scale];
  if (known !== undefined) return known;
  const cells = new Int32Array(2 ** CELL_BITS);
  const buckets = 2 ** scale;
  let bucket = -1;
  /** Largest mantissa of a bucket: bucket i of an octave ends at 2^((i + 1) / buckets). */
  const lastOf = (i: number): number => Math.floor((2 ** ((i + 1) / buckets) - 1) * 2 ** MANTISSA_BITS);
  for (let cell = 0; cell < cells.length; cell++) {
    const start = cell * 2 ** CELL_SHIFT;
    while (bucket + 1 < buckets && start > lastOf(bucket)) bucket++;
    cells[cell] = ((bucket + 1) << MANTISSA_BITS) | Math.min(lastOf(bucket), MANTISSA);
  }
  cellsByScale[scale] = cells;
  return cells;
}

/** Whether {@link float32Buckets} can do it: buckets within octaves, and no subnormal numbers. */
export const hasFloat32Buckets = (scale: number, smallest: number): boolean => scale >= 0 && smallest >= SMALLEST_NORMAL;

/**
 * Counts |x| > zeroThreshold by bucket and sign, as `bucketIndex` does; answers how many finite values are at most the threshold.
 * @param low Index of the first bucket of `positive` and `negative`.
 */
export function float32Buckets(
  values: Float32Array,
  scale: number,
  zeroThreshold: number,
  low: number,
  positive: Float64Array,
  negative: Float64Array,
): number {
  const bits = bitsOf(values);
  const threshold = bitOf(zeroThreshold);
  const size = positive.length;
  // Both signs in one array: the sign is an offset and no branch; two arrays in turn, for a counter that was just written
  // is slow to read again. 32 bits are enough: arrays are shorter.
  const counts = new Uint32Array(4 * size);
  const end = bits.length - (bits.length % 2);
  let zeroCount = 0;
  for (let from = 0; from < end; from += BLOCK) {
    zeroCount += countBlock(bits, from, Math.min(end, from + BLOCK), counts, cellsOf(scale), scale, threshold, low, size);
  }
  if (end < bits.length) {
    const last = Int32Array.of(bits[end] as number, INFINITE);
    zeroCount += countBlock(last, 0, 2, counts, cellsOf(scale), scale, threshold, low, size);
  }
  for (let i = 0; i < size; i++) {
    positive[i] = (counts[i] as number) + (counts[2 * size + i] as number);
    negative[i] = (counts[size + i] as number) + (counts[3 * size + i] as number);
  }
  return zeroCount;
}

/** Of an even number of values. */
function countBlock(
  bits: Int32Array,
  from: number,
  to: number,
  counts: Uint32Array,
  cells: Cells,
  scale: number,
  threshold: number,
  low: number,
  size: number,
): number {
  // Exponents are biased by 127, the cells' buckets by 1.
  const even = (-127 * 2 ** scale - low - 1) | 0;
  const odd = (even + 2 * size) | 0;
  let zeroCount = 0;
  // Written out twice: the compiler does not unroll, and it is worth a third of the time.
  for (let i = from; i < to; i += 2) {
    const first = bits[i] as number;
    const firstMagnitude = first & MAGNITUDE;
    if (firstMagnitude > threshold && firstMagnitude < INFINITE) {
      const at = (bucketOf(firstMagnitude, cells, scale) + even + ((first >> 31) & size)) | 0;
      counts[at] = (counts[at] as number) + 1;
    } else if (firstMagnitude <= threshold) zeroCount = (zeroCount + 1) | 0;
    const second = bits[i + 1] as number;
    const secondMagnitude = second & MAGNITUDE;
    if (secondMagnitude > threshold && secondMagnitude < INFINITE) {
      const at = (bucketOf(secondMagnitude, cells, scale) + odd + ((second >> 31) & size)) | 0;
      counts[at] = (counts[at] as number) + 1;
    } else if (secondMagnitude <= threshold) zeroCount = (zeroCount + 1) | 0;
  }
  return zeroCount;
}

/** With the biases of exponent and cell. */
function bucketOf(magnitude: number, cells: Cells, scale: number): number {
  const mantissa = magnitude & MANTISSA;
  const cell = cells[mantissa >>> CELL_SHIFT] as number;
  // 1 when the mantissa is beyond the edge within its cell.
  const beyond = ((cell & MANTISSA) - mantissa) >>> 31;
  return ((magnitude >>> MANTISSA_BITS) << scale) + (cell >>> MANTISSA_BITS) + beyond;
}
