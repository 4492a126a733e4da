// The column codecs: whatever goes in comes out bit by bit, and bytes that are cut off or altered give a CodecError or
// other values, never a hang, a huge allocation or a wrong length.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CodecError,
  decodeBucketCounts,
  decodeIntColumn,
  encodeBucketCounts,
  encodeIntColumn,
  float64Bytes,
  float64Column,
  integerMax,
} from "../src/index.ts";

const integer = fc.oneof(
  fc.integer({ min: -1_000, max: 1_000 }),
  fc.maxSafeInteger().map((value) => Math.trunc(value / 8)),
  fc.constantFrom(0, integerMax, -integerMax, integerMax - 1, 1 - integerMax),
);

describe("integer columns", () => {
  test("whatever goes in comes out", () => {
    fc.assert(
      fc.property(fc.array(integer, { maxLength: 50 }), (values) => {
        expect([...decodeIntColumn(encodeIntColumn(values), values.length)]).toEqual(values.map((value) => value + 0));
      }),
    );
  });

  test("a regular series costs the same however long it is", () => {
    const sizes = [2, 10_000].map((count) => encodeIntColumn(Array.from({ length: count }, (_, i) => 7 + 5 * i)).deltas.length);
    expect(sizes).toEqual([0, 0]);
  });

  test("times that jitter by milliseconds cost one or two bytes", () => {
    const jitter = [0, 3, -2, 1, 60, -60, 5];
    const times = Array.from({ length: 1_000 }, (_, i) => 1_700_000_000_000 + 100 * i + (jitter[i % jitter.length] as number));
    expect(encodeIntColumn(times).deltas.length).toBeLessThanOrEqual(2 * (times.length - 1));
  });

  test("every cut of the deltas is an error", () => {
    const column = encodeIntColumn([5, 6, 1_000_000, 3, -40, integerMax]);
    for (let length = 1; length < column.deltas.length; length++) {
      expect(() => decodeIntColumn({ ...column, deltas: column.deltas.slice(0, length) }, 6)).toThrow(CodecError);
    }
  });

  test("altered bytes give an error or the expected number of values in range", () => {
    const values = fc.array(integer, { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(values, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, mask) => {
        const column = encodeIntColumn(given);
        const deltas = column.deltas.slice();
        if (deltas.length > 0) deltas[at % deltas.length] = (deltas[at % deltas.length] as number) ^ mask;
        try {
          const decoded = decodeIntColumn({ ...column, deltas }, given.length);
          expect(decoded).toHaveLength(given.length);
          expect(decoded.every((value) => Math.abs(value) <= integerMax)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
  });

  test.each([
    { name: "another count", column: { ...encodeIntColumn([1, 2, 3]), count: 4 }, says: "4 values where 3" },
    { name: "bytes too many", column: { ...encodeIntColumn([1, 5, 7]), deltas: new Uint8Array(9) }, says: "bytes too many" },
    { name: "a first beyond the range", column: { ...encodeIntColumn([1, 2, 3]), first: 2n ** 50n + 1n }, says: "first is" },
    { name: "a stride that leads out of it", column: { ...encodeIntColumn([1, 2, 3]), stride: 2n ** 50n }, says: "leaves the range" },
    { name: "a varint of nine bytes", column: { ...encodeIntColumn([1, 5, 7]), deltas: new Uint8Array(9).fill(0xff) }, says: "exceeds" },
  ])("$name is an error that says so", ({ column, says }) => {
    expect(() => decodeIntColumn(column, 3)).toThrow(says);
  });
});

describe("float columns", () => {
  test("every bit pattern comes back", () => {
    fc.assert(
      fc.property(fc.bigUint64Array({ maxLength: 40 }), (bits) => {
        const values = new Float64Array(bits.buffer);
        const decoded = float64Column(float64Bytes(values).slice(), values.length);
        expect(new BigUint64Array(decoded.buffer)).toEqual(bits);
      }),
    );
  });

  test("the bytes are little-endian IEEE 754", () => {
    expect([...float64Bytes(Float64Array.of(1, -0))]).toEqual([0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0x80]);
  });

  test.each([
    { bytes: 15, count: 2 },
    { bytes: 17, count: 2 },
    { bytes: 0, count: 2 },
    { bytes: 16, count: 3 },
    { bytes: 16, count: 1_000_000_000 },
  ])("$bytes bytes for $count values are an error, and nothing is allocated for it", ({ bytes, count }) => {
    expect(() => float64Column(new Uint8Array(bytes), count)).toThrow(CodecError);
  });
});

describe("bucket counts", () => {
  test("whatever goes in comes out", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(300), fc.maxSafeNat()), { maxLength: 320 }), (counts) => {
        expect(decodeBucketCounts(encodeBucketCounts(counts), 320)).toEqual(counts);
      }),
    );
  });

  test("more than the limit is an error that says so", () => {
    expect(() => decodeBucketCounts(encodeBucketCounts(new Array(321).fill(1)), 320)).toThrow("more than 320 buckets");
  });

  test("a count that is cut off is an error", () => {
    const bytes = encodeBucketCounts([1, 300, 70_000]);
    expect(() => decodeBucketCounts(bytes.slice(0, -1), 320)).toThrow(CodecError);
  });
});
