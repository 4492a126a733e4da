// What a producer left: its opening, the batches that are not settled, and how its run ended, if it came to that.

import type { CloseRunRequest } from "@gradwatch/proto";
import { type PartKind, partKinds } from "../outbox.ts";
import type { LeftEntry } from "./bounded-outbox.ts";
import { decodeClose, decodeOpening, decodePart, decodeRejected, decodeSettled, type Opening } from "./payload.ts";
import { partRecordType, recordType } from "./record.ts";
import { type Place, readSegments } from "./segments.ts";

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
  const rejected = new Set<bigint>();
  const entries = new Map<bigint, Found>();
  for (const { segment, records } of segments) {
    for (const { type, payload, offset } of records) {
      if (type === recordType.open) {
        const told = decodeOpening(payload);
        // What was written after the run was open knows more.
        if (opening === undefined || opening.shift === undefined) opening = told;
      }
      if (type === recordType.close) close = decodeClose(payload);
      if (type === recordType.rejected) rejected.add(decodeRejected(payload).seq);
      if (type === recordType.settled) {
        const seq = decodeSettled(payload);
        if (seq > settled) settled = seq;
      }
      const kind = partKinds.find((one) => partRecordType[one] === type);
      if (kind !== undefined) {
        const { seq, ver, points, body } = decodePart(payload);
        const entry = entries.get(seq) ?? { seq, ver, parts: new Map() };
        entry.parts.set(kind, { points, bytes: body.length, place: { segment, offset, length: payload.length } });
        entries.set(seq, entry);
      }
    }
  }
  return {
    opening,
    close,
    entries: [...entries.values()]
      .filter(({ seq, parts }) => seq > settled && !rejected.has(seq) && parts.has("data"))
      .sort((a, b) => (a.seq < b.seq ? -1 : 1)),
    damaged: segments.reduce((sum, { damaged }) => sum + damaged, 0),
    lastSegment: segments.at(-1)?.segment ?? 0,
  };
}

type Found = LeftEntry & { readonly parts: Map<PartKind, { points: number; bytes: number; place: Place }> };
