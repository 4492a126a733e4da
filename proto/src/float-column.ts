// float64 columns as little-endian bytes: copied, never converted, so that NaN payloads and -0 survive.

import { CodecError } from "./varint.ts";

const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The bytes of `values` as they travel. A view, not a copy, where the host is little-endian. */
export function float64Bytes(values: Float64Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return hostIsLittleEndian ? bytes : swap64(bytes.slice());
}

/**
 * The inverse: a fresh, aligned copy of `count` values.
 *
 * @throws CodecError when `bytes` does not hold exactly `count` values.
 */
export function float64Column(bytes: Uint8Array, count: number): Float64Array<ArrayBuffer> {
  if (bytes.length !== count * 8) {
    throw new CodecError(`float column has ${bytes.length} bytes where ${count} values need ${count * 8}`);
  }
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return new Float64Array((hostIsLittleEndian ? copy : swap64(copy)).buffer);
}

function swap64(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let i = 0; i < bytes.length; i += 8) bytes.subarray(i, i + 8).reverse();
  return bytes;
}
