// The segment files of one producer: appended to by one process, read back by it or by whoever sends them later. A segment
// holds parts of one kind, so that a kind can be given up by removing files; it begins with the opening, so that it can be
// sent alone. Writes go to the operating system and are not flushed: they outlive the process, not the power.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PartKind } from "../outbox.ts";
import { encodeOpening, type Opening } from "./payload.ts";
import { encodeRecord, recordType, type RecordType, type Scan, scanRecords } from "./record.ts";

const FILE_HEAD = new TextEncoder().encode("GWSPOOL1");
const SUFFIX = ".seg";

/** The part of node:fs that writing and reading back takes. */
export type Files = Pick<typeof import("node:fs"), "openSync" | "writeSync" | "readSync" | "closeSync" | "rmSync">;

/** Where a payload lies. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

export interface SegmentWriter {
  /** @throws the system's error when the disk refuses. */
  append(kind: PartKind, type: RecordType, payload: Uint8Array): Place;
  read(place: Place): Uint8Array<ArrayBuffer>;
  /** Whether any segment has been written to. */
  readonly isBegun: () => boolean;
  /** Whether something may still be appended to it. */
  isCurrent(segment: number): boolean;
  /** Appends nothing more to it. */
  leave(segment: number): void;
  remove(segment: number): void;
  readonly bytes: () => number;
  close(): void;
}

interface OpenSegment {
  readonly segment: number;
  readonly file: number;
  bytes: number;
}

/** @param first Number of the first segment: above those that are there. */
export function createSegmentWriter(
  files: Files,
  folder: string,
  opening: () => Opening,
  segmentBytesMax: number,
  first: number,
): SegmentWriter {
  let next = first;
  const open = new Map<PartKind, OpenSegment>();
  const sizes = new Map<number, number>();
  let bytesAll = 0;

  const write = (to: OpenSegment, bytes: Uint8Array): void => {
    for (let written = 0; written < bytes.length;) {
      const more = files.writeSync(to.file, bytes, written);
      written += more;
      to.bytes += more;
      bytesAll += more;
    }
    sizes.set(to.segment, to.bytes);
  };

  const begin = (kind: PartKind): OpenSegment => {
    const segment = next++;
    // "x": a segment is never shared, and never gone on with.
    const begun = { segment, file: files.openSync(pathOf(folder, segment), "wx+", 0o600), bytes: 0 };
    open.set(kind, begun);
    write(begun, FILE_HEAD);
    write(begun, encodeRecord(recordType.open, encodeOpening(opening())));
    return begun;
  };

  const end = (kind: PartKind): void => {
    const ended = open.get(kind);
    open.delete(kind);
    if (ended !== undefined) files.closeSync(ended.file);
  };

  const leave = (segment: number): void => {
    for (const [kind, one] of open) if (one.segment === segment) end(kind);
  };

  return {
    append(kind, type, payload) {
      if ((open.get(kind)?.bytes ?? 0) >= segmentBytesMax) end(kind);
      try {
        const to = open.get(kind) ?? begin(kind);
        const record = encodeRecord(type, payload);
        const offset = to.bytes + record.length - payload.length;
        write(to, record);
        return { segment: to.segment, offset, length: payload.length };
      } catch (error) {
        // What was written of it is a torn end: never go on behind it.
        end(kind);
        throw error;
      }
    },
    read({ segment: from, offset, length }) {
      const bytes = new Uint8Array(length);
      const current = [...open.values()].find(({ segment }) => segment === from)?.file;
      const file = current ?? files.openSync(pathOf(folder, from), "r");
      try {
        for (let read = 0; read < length;) {
          const more = files.readSync(file, bytes, read, length - read, offset + read);
          if (more === 0) throw new Error(`segment ${pathOf(folder, from)} ends within a batch`);
          read += more;
        }
      } finally {
        if (current === undefined) files.closeSync(file);
      }
      return bytes;
    },
    isBegun: () => next > first,
    isCurrent: (segment) => [...open.values()].some((one) => one.segment === segment),
    leave,
    remove(segment) {
      leave(segment);
      bytesAll -= sizes.get(segment) ?? 0;
      sizes.delete(segment);
      files.rmSync(pathOf(folder, segment), { force: true });
    },
    bytes: () => bytesAll,
    close() {
      for (const kind of open.keys()) end(kind);
    },
  };
}

const pathOf = (folder: string, segment: number): string => join(folder, String(segment).padStart(6, "0") + SUFFIX);

export interface ReadSegment extends Scan {
  readonly segment: number;
}

/** All segments of a folder, in order. One that is not a segment file at all counts as damaged. */
export function readSegments(folder: string): ReadSegment[] {
  return readdirSync(folder)
    .filter((name) => /^\d{6}\.seg$/.test(name))
    .sort()
    .map((name) => {
      const bytes = new Uint8Array(readFileSync(join(folder, name)));
      const segment = Number(name.slice(0, -SUFFIX.length));
      const known = FILE_HEAD.every((byte, i) => bytes[i] === byte);
      const scan = scanRecords(bytes, known ? FILE_HEAD.length : 0);
      return { segment, ...scan, damaged: scan.damaged + (known || bytes.length < FILE_HEAD.length ? 0 : 1) };
    });
}
