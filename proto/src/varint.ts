// LEB128 variable-length integers over JavaScript numbers, exact up to 2^53 - 1. Arithmetic instead of bit
// operations above 32 bits, because JavaScript's bit operations truncate there.

/** Bytes that contradict the format: truncated, too long, or out of the exact integer range. */
export class CodecError extends Error {
  override readonly name = "CodecError";
}

/** Longest encoding of an integer below 2^53, in bytes. */
export const varintBytesMax = 8;

/** Writes `value` (an integer in [0, 2^53)) at `offset`; returns the offset after it. */
export function writeVarint(bytes: Uint8Array, offset: number, value: number): number {
  let rest = value;
  while (rest >= 0x80) {
    bytes[offset++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[offset++] = rest;
  return offset;
}

/** A cursor over varints: `read` decodes at `offset` and moves it. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.offset >= this.#bytes.length;
  }

  /** @throws CodecError when the bytes end inside a varint or the value reaches 2^53. */
  read(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.offset++];
    if (byte === undefined) throw new CodecError(`varint expected at byte ${this.offset - 1}, but the column ends there`);
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 0x80;
    for (let length = 2; length <= varintBytesMax; length++) {
      byte = bytes[this.offset++];
      if (byte === undefined) throw new CodecError(`varint at the end of the column is cut off after ${length - 1} bytes`);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new CodecError(`varint before byte ${this.offset} exceeds the limit of 2^53 - 1`);
  }
}

/** Maps signed to unsigned so that small magnitudes stay short: 0, -1, 1, -2 -> 0, 1, 2, 3. */
export const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);

/** Inverse of {@link zigzag}. */
export const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);
