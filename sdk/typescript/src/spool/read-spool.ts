// What a producer left: its opening, the batches that are not settled, and how its run ended, if it came to that.

import type { CloseRunRequest } from "@gradwatch/proto";
import { decodeClose, decodeEntry, decodeOpening, decodeRejected, decodeSettled, type Opening } from "./payload.ts";
import { recordType } from "./record.ts";
import { readSegments } from "./segments.ts";
import type { LeftEntry } from "./spool-outbox.ts";

export interface SpoolContent {
  /** Undefined: no segment could be read. */
  readonly opening: Opening | undefined;
  readonly entries: readonly LeftEntry[];
  readonly close: CloseRunRequest | undefined;
  /** Places where bytes were damaged and skipped. A torn end is normal and not counted. */
  readonly damaged: number;
  /** Number of the last segment. */
  readonly lastSegment: number;
}

export function readSpool(folder: string): SpoolContent {
  const segments = readSegments(folder);
  let opening: Opening | undefined;
  let close: CloseRunRequest | undefined;
  let settled = 0n;
  const entries = new Map<bigint, LeftEntry>();
  const rejected = new Set<bigint>();
  for (const { segment, records } of segments) {
    for (const { type, payload, offset } of records) {
      if (type === recordType.open) opening ??= decodeOpening(payload);
      if (type === recordType.close) close = decodeClose(payload);
      if (type === recordType.rejected) rejected.add(decodeRejected(payload).seq);
      if (type === recordType.settled) {
        const seq = decodeSettled(payload);
        if (seq > settled) settled = seq;
      }
      if (type === recordType.batch) {
        const { body, ...entry } = decodeEntry(payload);
        entries.set(entry.seq, { ...entry, bytes: body.length, place: { segment, offset, length: payload.length } });
      }
    }
  }
  return {
    opening,
    close,
    entries: [...entries.values()].filter(({ seq }) => seq > settled && !rejected.has(seq)).sort((a, b) => (a.seq < b.seq ? -1 : 1)),
    damaged: segments.reduce((sum, { damaged }) => sum + damaged, 0),
    lastSegment: segments.at(-1)?.segment ?? 0,
  };
}
