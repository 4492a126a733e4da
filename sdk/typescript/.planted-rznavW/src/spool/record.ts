// Records of a spool segment, as docs/spool-format.md tells them: magic, type, length, CRC, payload. A reader that meets
// damage looks for the next intact record; what it skips is counted, and bytes that end in the middle of a record are the
// last thing that a killed process wrote.

import { crc32 } from "node:zlib";
import type { PartKind } from "../outbox.ts";

export const recordType = { open: 1, data: 2, settled: 3, rejected: 4, close: 5, tensors: 6, console: 7, images: 8 } as const;
export type RecordType = (typeof recordType)[keyof typeof recordType];

/** Of the parts of a batch. */
export const partRecordType: Readonly<Record<PartKind, RecordType>> = {
  data: recordType.data,
  tensors: recordType.tensors,
  console: recordType.console,
  images: recordType.images,
};

/** "GWR1" */
const MAGIC = 0x31525747;
export const HEADER_BYTES = 16;
/** A batch body is at most a few MiB; a length beyond it is damage. */
const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;

export interface SpoolRecord {
  readonly type: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Where the payload begins in its segment. */
  readonly offset: number;
}

export function encodeRecord(type: RecordType, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, type, true);
  view.setUint32(8, payload.length, true);
  bytes.set(payload, HEADER_BYTES);
  view.setUint32(12, checksum(bytes.subarray(4, 12), payload), true);
  return bytes;
}

/** Of type, length and payload: a header that was altered is as bad as a payload that was. */
const checksum = (head: Uint8Array, payload: Uint8Array): number => crc32(payload, crc32(head));

export interface Scan {
  readonly records: readonly SpoolRecord[];
  /** Places where bytes had to be skipped to find the next record. */
  readonly damaged: number;
  /** Bytes at the end that are no whole record. */
  readonly tornBytes: number;
}

export function scanRecords(bytes: Uint8Array<ArrayBuffer>, from: number): Scan {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: SpoolRecord[] = [];
  let damaged = 0;
  let at = from;
  while (at < bytes.length) {
    const record = recordAt(bytes, view, at);
    if (record !== undefined) {
      records.push(record);
      at = record.offset + record.payload.length;
      continue;
    }
    const next = nextRecord(bytes, view, at + 1);
    if (next === undefined) return { records, damaged, tornBytes: bytes.length - at };
    damaged += 1;
    at = next;
  }
  return { records, damaged, tornBytes: 0 };
}

function recordAt(bytes: Uint8Array<ArrayBuffer>, view: DataView, at: number): SpoolRecord | undefined {
  if (at + HEADER_BYTES > bytes.length || view.getUint32(at, true) !== MAGIC) return undefined;
  const length = view.getUint32(at + 8, true);
  const offset = at + HEADER_BYTES;
  if (length > PAYLOAD_BYTES_MAX || offset + length > bytes.length) return undefined;
  const payload = bytes.subarray(offset, offset + length);
  if (checksum(bytes.subarray(at + 4, at + 12), payload) !== view.getUint32(at + 12, true)) return undefined;
  return { type: view.getUint32(at + 4, true), payload, offset };
}

function nextRecord(bytes: Uint8Array<ArrayBuffer>, view: DataView, from: number): number | undefined {
  for (let at = from; at + HEADER_BYTES <= bytes.length; at++) {
    if (view.getUint32(at, true) === MAGIC && recordAt(bytes, view, at) !== undefined) return at;
  }
  return undefined;
}
