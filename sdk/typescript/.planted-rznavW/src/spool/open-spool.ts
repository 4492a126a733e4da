// Puts folder, segments and outbox together: for a run that begins, and for what an earlier process left.

import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Outbox } from "../outbox.ts";
import { createOutbox, type LeftEntry, type OutboxOptions } from "./bounded-outbox.ts";
import { encodeOpening, encodePart, encodeRejected, type Opening } from "./payload.ts";
import { encodeRecord, recordType } from "./record.ts";
import { quarantineName } from "./spool-folder.ts";
import { createSegmentWriter, type Files } from "./segments.ts";

const segmentBytesMax = 8 * 1024 * 1024;
/** A small spool still sheds in small pieces. */
const segmentsOfSpool = 16;
export const memoryBytesMax: number = 64 * 1024 * 1024;
const cacheBytesMax = 16 * 1024 * 1024;

export interface SpoolOptions extends Pick<OutboxOptions, "oldestVersion" | "shed" | "remove" | "diskFailed"> {
  readonly files: Files;
  readonly folder: string;
  /** Asked when the first segment is begun: the first version is known by then. */
  readonly opening: () => Opening;
  readonly bytesMax: number;
  readonly left?: { readonly entries: readonly LeftEntry[]; readonly lastSegment: number };
}

export function openSpool({ files, folder, opening, bytesMax, left, ...options }: SpoolOptions): Outbox {
  const segmentBytes = Math.min(segmentBytesMax, bytesMax / segmentsOfSpool);
  return createOutbox({
    ...options,
    opening,
    writer: createSegmentWriter(files, folder, opening, segmentBytes, (left?.lastSegment ?? 0) + 1),
    diskBytesMax: bytesMax,
    memoryBytesMax,
    cacheBytesMax,
    keepRejected(seq, ver, points, body, reason) {
      try {
        const file = openSync(join(folder, quarantineName(seq)), "w", 0o600);
        try {
          // In a segment's form, under a name which no reader takes for one.
          writeSync(file, encodeRecord(recordType.open, encodeOpening(opening())));
          writeSync(file, encodeRecord(recordType.data, encodePart({ seq, ver, points, body })));
          writeSync(file, encodeRecord(recordType.rejected, encodeRejected(seq, reason)));
        } finally {
          closeSync(file);
        }
      } catch (error) {
        options.diskFailed(error);
      }
    },
    ...(left === undefined ? {} : { left: left.entries }),
  });
}

/** Without a disk. */
export function openMemory(options: Pick<OutboxOptions, "oldestVersion" | "shed">): Outbox {
  return createOutbox({
    ...options,
    writer: undefined,
    diskBytesMax: 0,
    memoryBytesMax,
    cacheBytesMax: 0,
    keepRejected: () => undefined,
    remove: () => undefined,
    diskFailed: () => undefined,
  });
}
