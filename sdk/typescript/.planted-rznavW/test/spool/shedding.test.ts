// An outbox without room: what makes way, in which order, and that every point is accounted for; on disk and in memory.

import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { OpenRunRequestSchema } from "@gradwatch/proto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outbox, type Part, type PartKind, partKinds, type Parts, pointsOf } from "../../src/outbox.ts";
import { createOutbox } from "../../src/spool/bounded-outbox.ts";
import { openSpool } from "../../src/spool/open-spool.ts";
import { createSegmentWriter } from "../../src/spool/segments.ts";
import { readSpool } from "../../src/spool/read-spool.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "gradwatch-shedding-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Fixture {
  readonly outbox: Outbox;
  readonly shed: { kind: PartKind; points: number; why: string }[];
  readonly folder: string | undefined;
}

let folders = 0;
function openFixture(where: "disk" | "memory", bytesMax: number, oldest: () => bigint | undefined = () => undefined): Fixture {
  const shed: Fixture["shed"] = [];
  const note = (kind: PartKind, points: number, why: string): void => void shed.push({ kind, points, why });
  if (where === "memory") {
    const outbox = createOutbox({
      writer: undefined,
      diskBytesMax: 0,
      memoryBytesMax: bytesMax,
      cacheBytesMax: 0,
      oldestVersion: oldest,
      shed: note,
      keepRejected: () => undefined,
      remove: () => undefined,
      diskFailed: () => undefined,
    });
    return { outbox, shed, folder: undefined };
  }
  const folder = mkdtempSync(join(root, `${folders++}-`));
  const request = create(OpenRunRequestSchema, { project: "p", runId: "r", producer: new Uint8Array(16) });
  const outbox = openSpool({
    files: fs,
    folder,
    opening: () => ({ request, firstVer: 1n, shift: undefined }),
    bytesMax,
    oldestVersion: oldest,
    shed: note,
    remove: () => undefined,
    diskFailed: (error) => {
      throw error;
    },
  });
  return { outbox, shed, folder };
}

const part = (points: number, size: number): Part => ({ points, body: new Uint8Array(size).fill(points % 256) });
const shedOf = ({ shed }: Fixture, kind: PartKind): number =>
  shed.filter((one) => one.kind === kind).reduce((sum, { points }) => sum + points, 0);

describe.each(["disk", "memory"] as const)("without room (%s)", (where) => {
  test("images go first, then console lines, then tensor summaries; then new scalars are refused", () => {
    const fixture = openFixture(where, 4_000_000);
    const order: PartKind[] = [];
    for (let seq = 1n; seq <= 400n; seq++) {
      const parts = { data: part(10, 20_000), tensors: part(3, 10_000), console: part(2, 5_000), images: part(1, 15_000) };
      fixture.outbox.append({ seq, ver: seq, parts });
      for (const { kind } of fixture.shed.slice(order.length)) order.push(kind);
    }
    const first = (kind: PartKind): number => order.indexOf(kind);
    expect(first("images")).toBeGreaterThanOrEqual(0);
    expect(first("console")).toBeGreaterThan(first("images"));
    expect(first("tensors")).toBeGreaterThan(first("console"));
    expect(first("data")).toBeGreaterThan(first("tensors"));
    // Of the dear there is most when it is full.
    expect(shedOf(fixture, "images")).toBe(400);
    expect(fixture.outbox.points()).toBeGreaterThan(10 * 150);
  });

  test("what was given out for sending stays as it was", () => {
    const fixture = openFixture(where, 2_000_000);
    fixture.outbox.append({ seq: 1n, ver: 1n, parts: { data: part(1, 100), images: part(1, 50_000) } });
    const given = fixture.outbox.bodyOf(1n);
    for (let seq = 2n; seq <= 100n; seq++)
      fixture.outbox.append({ seq, ver: seq, parts: { data: part(1, 10_000), images: part(1, 50_000) } });
    expect(shedOf(fixture, "images")).toBeGreaterThan(50);
    expect(fixture.outbox.bodyOf(1n)).toEqual(given);
  });

  test("what has waited too long is given up, and only that", () => {
    let oldest = 0n;
    const fixture = openFixture(where, 2_000_000, () => oldest);
    for (let seq = 1n; seq <= 10n; seq++)
      fixture.outbox.append({ seq, ver: seq * 10n, parts: { data: part(5, 100), tensors: part(2, 100) } });
    oldest = 55n;
    fixture.outbox.expire();
    expect(fixture.outbox.head(1)).toMatchObject([{ seq: 6n }]);
    expect([shedOf(fixture, "data"), shedOf(fixture, "tensors")]).toEqual([25, 10]);
    expect(fixture.shed.every(({ why }) => why === "old")).toBe(true);
  });

  const kindOfOperation = fc.oneof(
    { weight: 6, arbitrary: fc.constant("append" as const) },
    { weight: 2, arbitrary: fc.constant("settle" as const) },
    { weight: 1, arbitrary: fc.constant("send" as const) },
    { weight: 1, arbitrary: fc.constant("reject" as const) },
  );
  const partOf = fc.record({ points: fc.integer({ min: 1, max: 50 }), size: fc.constantFrom(10, 5_000, 100_000, 300_000) });
  const operation = fc.record({
    kind: kindOfOperation,
    data: partOf,
    tensors: fc.option(partOf, { nil: undefined }),
    console: fc.option(partOf, { nil: undefined }),
    images: fc.option(partOf, { nil: undefined }),
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });

  test("every point waits, is settled, rejected or counted as shed; and the room is kept", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
        const bytesMax = 1_500_000;
        const fixture = openFixture(where, bytesMax);
        const { outbox, folder } = fixture;
        let [seq, appended, gone] = [0n, 0, 0];
        const sent = new Map<bigint, Uint8Array>();
        for (const { kind, at, ...given } of operations) {
          const waiting = outbox.head(Number.POSITIVE_INFINITY);
          const chosen = waiting[Math.floor(at * waiting.length)]?.seq ?? 0n;
          if (kind === "append") {
            seq += 1n;
            const parts = Object.fromEntries(
              partKinds.flatMap((one) => (given[one] === undefined ? [] : [[one, part(given[one].points, given[one].size)]])),
            ) as unknown as Parts;
            appended += pointsOf(parts);
            outbox.append({ seq, ver: seq, parts });
          } else if (kind === "settle") {
            for (const { points, seq: settled } of outbox.settle(chosen)) {
              gone += points;
              sent.delete(settled);
            }
          } else if (kind === "reject") {
            gone += outbox.quarantine(chosen, "poison")?.points ?? 0;
            sent.delete(chosen);
          } else {
            const body = outbox.bodyOf(chosen);
            if (body !== undefined) sent.set(chosen, body);
          }
          const shed = fixture.shed.reduce((sum, { points }) => sum + points, 0);
          expect(outbox.points() + gone + shed).toBe(appended);
          expect(outbox.head(Number.POSITIVE_INFINITY).reduce((sum, { points }) => sum + points, 0)).toBe(outbox.points());
          const held =
            folder === undefined ? outbox.head(Number.POSITIVE_INFINITY).reduce((sum, { bytes }) => sum + bytes, 0) : segmentBytes(folder);
          // Heads of records and segments come on top.
          expect(held).toBeLessThanOrEqual(bytesMax + 40_000);
        }
        for (const [of, body] of sent) expect(outbox.bodyOf(of)).toEqual(body);
        if (folder !== undefined) {
          const read = readSpool(folder).entries.map((entry) => [
            entry.seq,
            [...entry.parts.values()].reduce((sum, one) => sum + one.points, 0),
          ]);
          expect(read).toEqual(outbox.head(Number.POSITIVE_INFINITY).map((one) => [one.seq, one.points]));
          rmSync(folder, { recursive: true });
        }
      }),
      { numRuns: 80 },
    );
  });
});

test("a disk that refuses now and then: every point waits, is settled or counted, and what waits can be read", () => {
  const request = create(OpenRunRequestSchema, { project: "p", runId: "r", producer: new Uint8Array(16) });
  const flaky = fc.record({
    refuses: fc.boolean(),
    settles: fc.boolean(),
    parts: fc.record({ data: size(), tensors: size(), images: size() }),
  });
  fc.assert(
    fc.property(fc.array(flaky, { maxLength: 60 }), (operations) => {
      const folder = mkdtempSync(join(root, `${folders++}-`));
      const writer = createSegmentWriter(fs, folder, () => ({ request, firstVer: 1n, shift: undefined }), 200_000, 1);
      let refuses = false;
      let shed = 0;
      const outbox = createOutbox({
        writer: {
          ...writer,
          append(kind, type, payload) {
            if (refuses) throw new Error("ENOSPC: no space left on device");
            return writer.append(kind, type, payload);
          },
        },
        diskBytesMax: 1_000_000,
        memoryBytesMax: 500_000,
        cacheBytesMax: 50_000,
        oldestVersion: () => undefined,
        shed: (_kind, points) => (shed += points),
        keepRejected: () => undefined,
        remove: () => undefined,
        diskFailed: () => undefined,
      });
      let [seq, appended, settled] = [0n, 0, 0];
      for (const one of operations) {
        refuses = one.refuses;
        seq += 1n;
        const parts = { data: part(3, one.parts.data), tensors: part(2, one.parts.tensors), images: part(1, one.parts.images) };
        appended += pointsOf(parts);
        outbox.append({ seq, ver: seq, parts });
        if (one.settles) settled += outbox.settle(seq - 5n).reduce((sum, { points }) => sum + points, 0);
        expect(outbox.points() + settled + shed).toBe(appended);
      }
      for (const { seq: waiting, bytes } of outbox.head(Number.POSITIVE_INFINITY)) expect(outbox.bodyOf(waiting)).toHaveLength(bytes);
      outbox.close(false);
      rmSync(folder, { recursive: true });
    }),
    { numRuns: 60 },
  );
});

const size = (): fc.Arbitrary<number> => fc.constantFrom(0, 1_000, 60_000);

const segmentBytes = (folder: string): number =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".seg"))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
