// The segment files of one producer: appended to by one process, read back by it or by whoever sends them later. A file
// begins with the opening, so that it can be sent alone; one whose batches are all settled is removed while the next
// is written. Writes go to the operating system and are not flushed: they outlive the process, not the power.

import { closeSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { encodeOpening, type Opening } from "./payload.ts";
import { encodeRecord, recordType, type RecordType, type Scan, scanRecords } from "./record.ts";

const FILE_HEAD = new TextEncoder().encode("GWSPOOL1");
const SUFFIX = ".seg";

/** Where a payload lies. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

export interface SegmentWriter {
  /** @throws the system's error when the disk refuses. */
  append(type: RecordType, payload: Uint8Array): Place;
  read(place: Place): Uint8Array<ArrayBuffer>;
  /** Removes the segments before this one. */
  dropBefore(segment: number): void;
  readonly bytes: () => number;
  close(): void;
}

/** @param first Number of the first segment: above those that are there. */
export function createSegmentWriter(folder: string, opening: () => Opening, segmentBytesMax: number, first: number): SegmentWriter {
  let segment = first;
  let file: number | undefined;
  let size = 0;
  const sizes = new Map<number, number>();

  const write = (bytes: Uint8Array): void => {
    for (let written = 0; written < bytes.length;) written += writeSync(file as number, bytes, written);
    size += bytes.length;
    sizes.set(segment, size);
  };

  const begin = (): void => {
    // "x": a segment is never shared, and never gone on with.
    file = openSync(pathOf(folder, segment), "wx+", 0o600);
    size = 0;
    write(FILE_HEAD);
    write(encodeRecord(recordType.open, encodeOpening(opening())));
  };

  const end = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };

  return {
    append(type, payload) {
      if (file !== undefined && size >= segmentBytesMax) {
        end();
        segment += 1;
      }
      try {
        if (file === undefined) begin();
        const record = encodeRecord(type, payload);
        const offset = size + record.length - payload.length;
        write(record);
        return { segment, offset, length: payload.length };
      } catch (error) {
        // What was written of it is a torn end: never go on behind it.
        end();
        segment += 1;
        throw error;
      }
    },
    read({ segment: from, offset, length }) {
      const bytes = new Uint8Array(length);
      const open = from === segment && file !== undefined ? file : openSync(pathOf(folder, from), "r");
      try {
        for (let read = 0; read < length;) {
          const more = readSync(open, bytes, read, length - read, offset + read);
          if (more === 0) throw new Error(`segment ${pathOf(folder, from)} ends within a batch`);
          read += more;
        }
      } finally {
        if (open !== file) closeSync(open);
      }
      return bytes;
    },
    dropBefore(kept) {
      for (const old of [...sizes.keys()].filter((one) => one < kept && one !== segment)) {
        sizes.delete(old);
        rmSync(pathOf(folder, old), { force: true });
      }
    },
    bytes: () => [...sizes.values()].reduce((sum, one) => sum + one, 0),
    close: end,
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
