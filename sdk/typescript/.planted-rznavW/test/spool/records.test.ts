// Records of a segment under damage: what is intact is read, what is not is counted, and a torn end is no damage.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeRecord, HEADER_BYTES, recordType, scanRecords } from "../../src/spool/record.ts";

const payloads = [10, 0, 300, 25].map((length, i) => Uint8Array.from({ length }, (_none, at) => (at * 7 + i) % 256));
const records = payloads.map((payload) => encodeRecord(recordType.data, payload));
const sample = Uint8Array.from(records.flatMap((record) => [...record]));
/** Where each record ends. */
const ends = records.map((_record, i) => records.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0));
const intactIn = (bytes: Uint8Array<ArrayBuffer>): string[] =>
  scanRecords(bytes, 0).records.map(({ payload }) => Buffer.from(payload).toString("hex"));
const all = payloads.map((payload) => Buffer.from(payload).toString("hex"));

test("every record comes back, with where its payload lies", () => {
  const { records: read, damaged, tornBytes } = scanRecords(sample, 0);
  expect(intactIn(sample)).toEqual(all);
  expect([damaged, tornBytes]).toEqual([0, 0]);
  for (const { offset, payload } of read) expect(sample.subarray(offset, offset + payload.length)).toEqual(payload);
});

describe("damage", () => {
  test("cut anywhere: all whole records before the cut, the rest is a torn end", () => {
    for (let length = 0; length <= sample.length; length++) {
      const whole = ends.filter((end) => end <= length).length;
      const scan = scanRecords(sample.slice(0, length), 0);
      expect(scan.records).toHaveLength(whole);
      expect(scan.damaged).toBe(0);
      expect(scan.tornBytes).toBe(length - (ends[whole - 1] ?? 0));
    }
  });

  test("any bit flipped anywhere: that one record is lost, and the others are read", () => {
    for (let at = 0; at < sample.length; at++) {
      for (const mask of [1, 128]) {
        const bytes = sample.slice();
        bytes[at] = (bytes[at] as number) ^ mask;
        const hit = ends.findIndex((end) => at < end);
        expect(intactIn(bytes)).toEqual(all.filter((_payload, i) => i !== hit));
      }
    }
  });

  test.each([
    {
      name: "a page of zeros in the middle",
      spoil: () => [...records[0]!, ...new Uint8Array(4096), ...records[2]!],
      intact: [0, 2],
      damaged: 1,
    },
    { name: "a file that begins in the middle of a record", spoil: () => [...sample.subarray(5)], intact: [1, 2, 3], damaged: 1 },
    {
      name: "a header that claims a huge length",
      spoil: () => [...records[0]!.slice(0, 8), 255, 255, 255, 255, ...records[0]!.slice(12), ...records[3]!],
      intact: [3],
      damaged: 1,
    },
    {
      name: "a payload that looks like a record's beginning",
      spoil: () => [...encodeRecord(recordType.data, records[0]!.slice(0, HEADER_BYTES)), ...records[1]!],
      intact: [-1, 1],
      damaged: 0,
    },
    { name: "nothing at all", spoil: () => [], intact: [], damaged: 0 },
  ])("$name", ({ spoil, intact, damaged }) => {
    const scan = scanRecords(Uint8Array.from(spoil()), 0);
    expect(scan.records.map(({ payload }) => payload.length)).toEqual(
      intact.map((i) => (i < 0 ? HEADER_BYTES : (payloads[i] as Uint8Array).length)),
    );
    expect(scan.damaged).toBe(damaged);
  });

  test("any bytes at all are read without an error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const scan = scanRecords(new Uint8Array(bytes), 0);
        expect(scan.tornBytes).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
