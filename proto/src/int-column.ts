// Steps and times as columns: first value, usual stride, and what differs from it. A regular column (every step
// logged, say) costs a few bytes however long it is. Values are integers within ±2^50, held as numbers:
// BigInt arithmetic would cost more per point than everything else together.

import { create } from "@bufbuild/protobuf";
import { type IntColumn, IntColumnSchema } from "../gen/gradwatch/v1/batch_pb.ts";
import { CodecError, unzigzag, VarintReader, varintBytesMax, writeVarint, zigzag } from "./varint.ts";

/**
 * Largest magnitude of a value and of the stride: a delta, the difference of two values less the stride, then stays below
 * 2^52, and its zigzag form below 2^53, so that all arithmetic is exact in float64.
 */
export const integerMax: number = 2 ** 50;

/** Encodes `count` integers from the start of `values`. The stride is the first difference, unless that is too large. */
export function encodeIntColumn(values: ArrayLike<number>, count: number = values.length): IntColumn {
  const first = count > 0 ? (values[0] as number) : 0;
  const difference = count > 1 ? (values[1] as number) - first : 0;
  const stride = Math.abs(difference) <= integerMax ? difference : 0;
  return create(IntColumnSchema, {
    count,
    first: BigInt(first),
    stride: BigInt(stride),
    deltas: encodeDeltas(values, count, stride),
  });
}

function encodeDeltas(values: ArrayLike<number>, count: number, stride: number): Uint8Array<ArrayBuffer> {
  let irregular = false;
  for (let i = 1; i < count && !irregular; i++) {
    irregular = (values[i] as number) - (values[i - 1] as number) !== stride;
  }
  if (!irregular) return new Uint8Array(0);
  const bytes = new Uint8Array((count - 1) * varintBytesMax);
  let end = 0;
  for (let i = 1; i < count; i++) {
    end = writeVarint(bytes, end, zigzag((values[i] as number) - (values[i - 1] as number) - stride));
  }
  return bytes.slice(0, end);
}

/**
 * Decodes a column of exactly `expectedCount` integers.
 *
 * @throws CodecError when the count differs, the deltas are cut off or too many, or a value leaves ±2^50.
 */
export function decodeIntColumn(column: IntColumn, expectedCount: number): Float64Array<ArrayBuffer> {
  if (column.count !== expectedCount) {
    throw new CodecError(`integer column has ${column.count} values where ${expectedCount} are expected`);
  }
  const values = new Float64Array(expectedCount);
  if (expectedCount === 0) return values;
  const stride = exactNumber(column.stride, "stride");
  const deltas = column.deltas.length === 0 ? undefined : new VarintReader(column.deltas);
  let value = exactNumber(column.first, "first");
  values[0] = value;
  for (let i = 1; i < expectedCount; i++) {
    value += deltas === undefined ? stride : stride + unzigzag(deltas.read());
    values[i] = value;
    if (value > integerMax || value < -integerMax) {
      throw new CodecError(`integer column leaves the range ±2^50 at value ${i}`);
    }
  }
  if (deltas !== undefined && !deltas.done) {
    throw new CodecError(`integer column of ${expectedCount} values has ${column.deltas.length - deltas.offset} bytes too many`);
  }
  return values;
}

function exactNumber(value: bigint, field: string): number {
  const number = Number(value);
  if (number > integerMax || number < -integerMax) {
    throw new CodecError(`integer column's ${field} is ${value}; the range is ±2^50`);
  }
  return number;
}
