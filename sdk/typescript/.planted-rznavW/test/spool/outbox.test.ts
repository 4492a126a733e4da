// The spool against a model: whatever is appended, settled or rejected, and whenever the process dies, what is read back is
// what was not settled. A note of a settlement may be lost with the process; then a batch is sent once more.

import { mkdtempSync, readdirSync, rmSync, writeFileSync, appendFileSync, truncateSync, statSync } from "node:fs";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { CloseRunRequestSchema, OpenRunRequestSchema } from "@gradwatch/proto";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Outbox, type PartKind } from "../../src/outbox.ts";
import { openSpool } from "../../src/spool/open-spool.ts";
import { removeSpoolFolder, spoolFolders } from "../../src/spool/spool-folder.ts";
import { readSpool } from "../../src/spool/read-spool.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gradwatch-outbox-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const opening = {
  request: create(OpenRunRequestSchema, { project: "p", runId: "r", producer: new Uint8Array(16) }),
  firstVer: 5n,
  shift: undefined,
};
const failures: unknown[] = [];
const shed: [PartKind, number, string][] = [];
const open = (bytesMax = 1e9): Outbox =>
  openSpool({
    files: fs,
    folder,
    opening: () => opening,
    bytesMax,
    oldestVersion: () => undefined,
    shed: (kind, points, why) => shed.push([kind, points, why]),
    remove: () => removeSpoolFolder(folder),
    diskFailed: (error) => failures.push(error),
    ...(readSpool(folder).opening === undefined ? {} : { left: readSpool(folder) }),
  });
const bodyOf = (seq: bigint, size: number): Uint8Array<ArrayBuffer> => new Uint8Array(size).fill(Number(seq % 251n));
const append = (outbox: Outbox, seq: bigint, size = 100): boolean =>
  outbox.append({ seq, ver: 100n + seq, parts: { data: { points: Number(seq), body: bodyOf(seq, size) } } });

const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("append" as const), size: fc.constantFrom(0, 10, 1_000, 3_000_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("settle" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reject" as const), share: fc.double({ min: 0, max: 0.99, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "die" as const }) },
);

describe("the spool", () => {
  test("gives back what was not settled, through any number of deaths", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        rmSync(folder, { recursive: true, force: true });
        folder = mkdtempSync(join(tmpdir(), "gradwatch-outbox-"));
        let outbox = open();
        let seq = 0n;
        const model = new Map<bigint, number>();
        for (const one of operations) {
          const waiting = [...model.keys()];
          if (one.kind === "append") {
            seq += 1n;
            expect(append(outbox, seq, one.size)).toBe(true);
            model.set(seq, one.size);
          } else if (one.kind === "settle") {
            const upTo = waiting[Math.floor(one.share * waiting.length) - 1];
            if (upTo === undefined) continue;
            expect(outbox.settle(upTo).map((settled) => settled.seq)).toEqual(waiting.filter((one_) => one_ <= upTo));
            for (const settled of waiting) if (settled <= upTo) model.delete(settled);
          } else if (one.kind === "reject") {
            const rejected = waiting[Math.floor(one.share * waiting.length)];
            if (rejected === undefined) continue;
            expect(outbox.quarantine(rejected, "poison")?.seq).toBe(rejected);
            model.delete(rejected);
          } else {
            outbox = open();
          }
          expect(outbox.head(Infinity).map((waits) => [waits.seq, waits.bytes])).toEqual([...model]);
        }
        for (const [waits, size] of model) expect(outbox.bodyOf(waits)).toEqual(bodyOf(waits, size));
        expect(failures.splice(0)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  test("keeps the disk small: segments whose batches are settled go while the run goes on", () => {
    const outbox = open();
    for (let seq = 1n; seq <= 60n; seq++) {
      append(outbox, seq, 1_000_000);
      if (seq > 3n) outbox.settle(seq - 3n);
    }
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(bytes).toBeLessThan(25_000_000);
    expect(outbox.head(Infinity)).toHaveLength(3);
  });

  test("refuses what goes beyond its cap, and takes again once there is room", () => {
    const outbox = open(20_000_000);
    let seq = 0n;
    while (append(outbox, seq + 1n, 1_000_000)) seq += 1n;
    expect(seq).toBeGreaterThan(15n);
    expect(shed.splice(0)).toEqual([["data", Number(seq + 1n), "full"]]);
    outbox.settle(seq);
    expect(append(outbox, seq + 1n, 1_000_000)).toBe(true);
  });

  test("a torn end is cut; the next process begins a segment of its own", () => {
    append(open(), 1n);
    append(open(), 2n);
    const segments = readdirSync(folder)
      .filter((name) => name.endsWith(".seg"))
      .sort();
    expect(segments).toEqual(["000001.seg", "000002.seg"]);
    const last = join(folder, "000002.seg");
    truncateSync(last, statSync(last).size - 7);
    appendFileSync(join(folder, "000001.seg"), new Uint8Array(3));
    expect(readSpool(folder)).toMatchObject({ damaged: 0, entries: [{ seq: 1n }] });
  });

  test("a segment whose head is damaged is read as far as it goes, and counted", () => {
    append(open(), 1n);
    append(open(), 2n);
    writeFileSync(join(folder, "000001.seg"), new Uint8Array(200));
    const content = readSpool(folder);
    expect(content.entries.map(({ seq }) => seq)).toEqual([2n]);
    expect(content.damaged).toBe(1);
    expect(content.opening?.request.runId).toBe("r");
  });

  test("every segment tells by itself which run it belongs to, and how the run ended", () => {
    const outbox = open();
    append(outbox, 1n, 9_000_000);
    append(outbox, 2n, 9_000_000);
    outbox.noteClose(create(CloseRunRequestSchema, { runId: "r", exitCode: 3 }));
    rmSync(join(folder, "000001.seg"));
    const content = readSpool(folder);
    expect(content.opening).toEqual(opening);
    expect(content.close?.exitCode).toBe(3);
    expect(content.entries.map(({ seq }) => seq)).toEqual([2n]);
  });

  test("a rejected batch is kept for people, with its reason, and is no segment", () => {
    const outbox = open();
    append(outbox, 1n);
    outbox.quarantine(1n, "too long a name");
    outbox.close(true);
    const files = readdirSync(folder);
    expect(files).toEqual(["rejected-1.quarantine"]);
    // Nothing is left to send: whoever sends leftovers passes it by, and it stays.
    expect(spoolFolders(join(folder, ".."))).not.toContain(folder);
    expect(readSpool(folder).entries).toEqual([]);
  });

  test("when all is settled the folder goes", () => {
    const outbox = open();
    append(outbox, 1n);
    outbox.settle(1n);
    outbox.close(true);
    expect(() => readdirSync(folder)).toThrow("ENOENT");
  });

  test("a disk that refuses costs durability, not points: they go on in memory", () => {
    rmSync(folder, { recursive: true });
    const outbox = openSpool({
      files: fs,
      folder,
      opening: () => opening,
      bytesMax: 1e9,
      oldestVersion: () => undefined,
      shed: () => undefined,
      remove: () => undefined,
      diskFailed: (error) => failures.push(error),
    });
    expect(append(outbox, 1n)).toBe(true);
    expect(failures.splice(0).length).toBeGreaterThan(0);
    expect(outbox.durable()).toBe(false);
    expect(outbox.bodyOf(1n)).toEqual(bodyOf(1n, 100));
  });
});
