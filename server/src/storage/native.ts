// Blocks in ClickHouse's Native format: columns as the engine holds them, written from typed arrays without
// touching single values. Only the types that the tables use. Format: clickhouse.com/docs/interfaces/formats/Native.

/** A column's bytes, ready to be written after its header. */
export interface NativeColumn {
  readonly name: string;
  readonly type: string;
  readonly parts: readonly Uint8Array[];
}

const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** A fixed-width column: the array's element type must be the column's. */
export const fixedColumn = (name: string, type: FixedType, values: ArrayBufferView): NativeColumn => ({
  name,
  type,
  parts: [bytesOf(values)],
});

export type FixedType = "UInt8" | "Int8" | "UInt32" | "Int32" | "UInt64" | "Int64" | "Float32" | "Float64";

/** A column of arrays: `ends[i]` is the end of row i in the flat values. */
export const arrayColumn = (
  name: string,
  elementType: FixedType,
  ends: BigUint64Array,
  values: readonly ArrayBufferView[],
): NativeColumn => ({ name, type: `Array(${elementType})`, parts: [bytesOf(ends), ...values.map(bytesOf)] });

/** One block as the chunks of a stream; nothing is copied. */
export function* nativeBlock(rows: number, columns: readonly NativeColumn[]): Generator<Uint8Array> {
  yield concat([varint(columns.length), varint(rows)]);
  for (const { name, type, parts } of columns) {
    yield concat([text(name), text(type)]);
    for (const part of parts) if (part.length > 0) yield part;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function text(value: string): Uint8Array {
  const bytes = Buffer.from(value);
  return concat([varint(bytes.length), bytes]);
}

const concat = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

/** Writes integers within ±(2^53 - 1), held as float64, into `target` as Int64, from `offset` on. */
export function writeInt64(target: BigInt64Array, offset: number, values: Float64Array): void {
  // Two 32-bit halves: about ten times faster than one BigInt a value.
  const halves = new Int32Array(target.buffer, target.byteOffset + offset * 8, values.length * 2);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    const high = Math.floor(value / 0x1_0000_0000);
    halves[2 * i] = value - high * 0x1_0000_0000;
    halves[2 * i + 1] = high;
  }
}
