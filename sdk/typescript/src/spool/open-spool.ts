// Puts folder, segments and outbox together: for a run that begins, and for what an earlier process left.

import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Entry, Outbox } from "../outbox.ts";
import { encodeEntry, encodeOpening, encodeRejected, type Opening } from "./payload.ts";
import { encodeRecord, recordType } from "./record.ts";
import { createSegmentWriter } from "./segments.ts";
import { type LeftEntry, createSpoolOutbox } from "./spool-outbox.ts";

const segmentBytesMax = 8 * 1024 * 1024;
const memoryBytesMax = 64 * 1024 * 1024;

export interface SpoolOptions {
  readonly folder: string;
  /** Asked when the first segment is begun: the first version is known by then. */
  readonly opening: () => Opening;
  readonly bytesMax: number;
  readonly remove: () => void;
  readonly diskFailed: (error: unknown) => void;
  readonly left?: { readonly entries: readonly LeftEntry[]; readonly lastSegment: number };
}

export function openSpool({ folder, opening, bytesMax, remove, diskFailed, left }: SpoolOptions): Outbox {
  let quarantined = false;
  return createSpoolOutbox({
    writer: createSegmentWriter(folder, opening, segmentBytesMax, (left?.lastSegment ?? 0) + 1),
    bytesMax,
    memoryBytesMax,
    keepRejected(entry, reason) {
      quarantined = true;
      try {
        writeQuarantine(folder, opening(), entry, reason);
      } catch (error) {
        diskFailed(error);
      }
    },
    // Rejected batches stay for a person to look at.
    remove: () => (quarantined ? undefined : remove()),
    diskFailed,
    ...(left === undefined ? {} : { left: left.entries }),
  });
}

/** A file in a segment's form, which no reader takes for one. */
function writeQuarantine(folder: string, opening: Opening, entry: Entry, reason: string): void {
  const file = openSync(join(folder, `rejected-${entry.seq}.quarantine`), "w", 0o600);
  try {
    writeSync(file, encodeRecord(recordType.open, encodeOpening(opening)));
    writeSync(file, encodeRecord(recordType.batch, encodeEntry(entry)));
    writeSync(file, encodeRecord(recordType.rejected, encodeRejected(entry.seq, reason)));
  } finally {
    closeSync(file);
  }
}
