// Tells whether values are the same as at another time or on another rank, in 64 bits: FNV-1a over them as 32-bit little-endian words
// (Fowler, Noll, Vo; draft-eastlake-fnv), in two halves because numbers hold 53 bits.

const OFFSET_HIGH = 0xcbf29ce4;
const OFFSET_LOW = 0x84222325;
/** The prime is 2^40 + 0x1b3. */
const PRIME_LOW = 0x1b3;
const WORD = 2 ** 32;

/** Never 0, which means that there is no hash. */
export function hashValues(values: Float32Array | Int32Array | Uint8Array): bigint {
  const words = values instanceof Uint8Array ? Int32Array.from(values) : new Int32Array(values.buffer, values.byteOffset, values.length);
  let high = OFFSET_HIGH;
  let low = OFFSET_LOW;
  for (let i = 0; i < words.length; i++) {
    low = (low ^ (words[i] as number)) >>> 0;
    const product = low * PRIME_LOW;
    high = (Math.imul(high, PRIME_LOW) + Math.floor(product / WORD) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  const hash = (BigInt(high) << 32n) | BigInt(low);
  return hash === 0n ? 1n : hash;
}
