// Completes batches: session and version are appended to a body, as protobuf allows fields in any order. OpenRun answers one
// producer always the same, so a batch is the same bytes whenever and by whomever it is sealed.

import { crc32 } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Batch, BatchBodySchema, BatchSchema, type OpenRunResponse } from "@gradwatch/proto";
import type { Waiting } from "./outbox.ts";

/** What a producer's batches have in common. */
export interface Seal {
  readonly producer: Uint8Array<ArrayBuffer>;
  readonly session: number;
  /** Added to all versions, so that the first is above what the run has. */
  readonly shift: bigint;
}

export function sealOf(producer: Uint8Array<ArrayBuffer>, firstVer: bigint, { session, verMax }: OpenRunResponse): Seal {
  return { producer, session, shift: verMax >= firstVer ? verMax + 1n - firstVer : 0n };
}

export function sealBatch({ producer, session, shift }: Seal, { seq, ver }: Waiting, body: Uint8Array): Batch {
  const trailer = toBinary(BatchBodySchema, create(BatchBodySchema, { session, ver: ver + shift }));
  const complete = new Uint8Array(body.length + trailer.length);
  complete.set(body);
  complete.set(trailer, body.length);
  return create(BatchSchema, { producer, seq, crc32: crc32(complete), body: complete });
}
