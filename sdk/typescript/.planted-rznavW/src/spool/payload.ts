// What the records of a segment hold.

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type CloseRunRequest, CloseRunRequestSchema, type OpenRunRequest, OpenRunRequestSchema } from "@gradwatch/proto";

/** How to open the run again, by the same producer; and where its versions begin. */
export interface Opening {
  readonly request: OpenRunRequest;
  /** Version of the producer's first batch: shifting all by one amount keeps them in order. */
  readonly firstVer: bigint;
  /** By how much, once the process had opened its run; undefined: it never heard from a server, and sent nothing. */
  readonly shift: bigint | undefined;
}

/** The shift is written as one more than it is: 0 is none. */
export function encodeOpening({ request, firstVer, shift }: Opening): Uint8Array {
  return withIntegers([firstVer, shift === undefined ? 0n : shift + 1n], toBinary(OpenRunRequestSchema, request));
}

export function decodeOpening(payload: Uint8Array): Opening {
  const shift = integerAt(payload, 8);
  return {
    firstVer: integerAt(payload, 0),
    shift: shift === 0n ? undefined : shift - 1n,
    request: fromBinary(OpenRunRequestSchema, payload.subarray(16)),
  };
}

/** One part of a batch. */
export interface PartRecord {
  readonly seq: bigint;
  readonly ver: bigint;
  readonly points: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

const PART_HEAD_BYTES = 24;

export function encodePart({ seq, ver, points, body }: Omit<PartRecord, "body"> & { readonly body: Uint8Array }): Uint8Array {
  return withIntegers([seq, ver, BigInt(points)], body);
}

export function decodePart(payload: Uint8Array<ArrayBuffer>): PartRecord {
  return {
    seq: integerAt(payload, 0),
    ver: integerAt(payload, 8),
    points: Number(integerAt(payload, 16)),
    body: payload.subarray(PART_HEAD_BYTES),
  };
}

export const encodeSettled = (seq: bigint): Uint8Array => withIntegers([seq], new Uint8Array(0));
export const decodeSettled = (payload: Uint8Array): bigint => integerAt(payload, 0);

export const encodeRejected = (seq: bigint, reason: string): Uint8Array => withIntegers([seq], new TextEncoder().encode(reason));
export const decodeRejected = (payload: Uint8Array): { seq: bigint; reason: string } => ({
  seq: integerAt(payload, 0),
  reason: new TextDecoder().decode(payload.subarray(8)),
});

export const encodeClose = (request: CloseRunRequest): Uint8Array => toBinary(CloseRunRequestSchema, request);
export const decodeClose = (payload: Uint8Array): CloseRunRequest => fromBinary(CloseRunRequestSchema, payload);

function withIntegers(integers: readonly bigint[], rest: Uint8Array): Uint8Array {
  const payload = new Uint8Array(8 * integers.length + rest.length);
  const view = new DataView(payload.buffer);
  integers.forEach((integer, i) => view.setBigUint64(8 * i, integer, true));
  payload.set(rest, 8 * integers.length);
  return payload;
}

const integerAt = (payload: Uint8Array, offset: number): bigint =>
  new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getBigUint64(offset, true);
