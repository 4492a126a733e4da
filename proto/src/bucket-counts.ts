// Histogram bucket counts as LEB128 varints: most are small, many are zero.

import { CodecError, VarintReader, varintBytesMax, writeVarint } from "./varint.ts";

/** Encodes non-negative integers below 2^53. */
export function encodeBucketCounts(counts: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(counts.length * varintBytesMax);
  let end = 0;
  for (let i = 0; i < counts.length; i++) end = writeVarint(bytes, end, counts[i] as number);
  return bytes.slice(0, end);
}

/**
 * Decodes all counts.
 *
 * @throws CodecError when the bytes end inside a count or hold more than `countMax` of them.
 */
export function decodeBucketCounts(bytes: Uint8Array, countMax: number): number[] {
  const reader = new VarintReader(bytes);
  const counts: number[] = [];
  while (!reader.done) {
    if (counts.length === countMax) throw new CodecError(`histogram has more than ${countMax} buckets; lower its scale`);
    counts.push(reader.read());
  }
  return counts;
}
