// An outbox on disk: every batch is in a segment before it is sent, and stays until the server has it. A few MiB of bodies
// are kept in memory as well; the others are read back when their turn comes. When the disk refuses, batches go on in
// memory alone, up to the same few MiB, and it is said.

import type { Entry, Outbox, Waiting } from "../outbox.ts";
import { decodeEntry, encodeClose, encodeEntry, encodeRejected, encodeSettled } from "./payload.ts";
import { recordType, type RecordType } from "./record.ts";
import type { Place, SegmentWriter } from "./segments.ts";

interface Spooled extends Waiting {
  /** Undefined: the disk refused it, and memory is all there is. */
  readonly place: Place | undefined;
  body: Uint8Array<ArrayBuffer> | undefined;
}

/** What an earlier process left. */
export interface LeftEntry extends Waiting {
  readonly place: Place;
}

export interface SpoolOutboxOptions {
  readonly writer: SegmentWriter;
  /** Of all segments; beyond it new batches are refused. */
  readonly bytesMax: number;
  readonly memoryBytesMax: number;
  /** Keeps a batch that the server can never store, with its reason. */
  readonly keepRejected: (entry: Entry, reason: string) => void;
  /** Takes the folder away. */
  readonly remove: () => void;
  /** The disk refused. */
  readonly diskFailed: (error: unknown) => void;
  readonly left?: readonly LeftEntry[];
}

export function createSpoolOutbox(options: SpoolOutboxOptions): Outbox {
  const { writer } = options;
  let waiting: Spooled[] = (options.left ?? []).map((entry) => ({ ...entry, body: undefined }));
  let memoryBytes = 0;

  function write(type: RecordType, payload: Uint8Array): Place | undefined {
    try {
      return writer.append(type, payload);
    } catch (error) {
      options.diskFailed(error);
      return undefined;
    }
  }

  function forget(spooled: Spooled): void {
    if (spooled.body === undefined) return;
    memoryBytes -= spooled.bytes;
    spooled.body = undefined;
  }

  function bodyOf(wanted: bigint): Uint8Array<ArrayBuffer> | undefined {
    const spooled = waiting.find(({ seq }) => seq === wanted);
    if (spooled?.body !== undefined || spooled?.place === undefined) return spooled?.body;
    try {
      return decodeEntry(writer.read(spooled.place)).body;
    } catch (error) {
      options.diskFailed(error);
      return undefined;
    }
  }

  return {
    append({ body, ...entry }) {
      if (writer.bytes() + body.length > options.bytesMax) return false;
      const place = write(recordType.batch, encodeEntry({ ...entry, body }));
      const fits = memoryBytes + body.length <= options.memoryBytesMax;
      if (place === undefined && !fits) return false;
      if (fits) memoryBytes += body.length;
      waiting.push({ ...entry, bytes: body.length, place, body: fits ? body : undefined });
      return true;
    },
    unsettled: () => waiting,
    bodyOf,
    settle(seq) {
      const firstLater = waiting.findIndex((spooled) => spooled.seq > seq);
      const settled = firstLater < 0 ? waiting : waiting.slice(0, firstLater);
      if (settled.length === 0) return settled;
      waiting = firstLater < 0 ? [] : waiting.slice(firstLater);
      settled.forEach(forget);
      // May be lost: then a batch is sent once more, which changes nothing.
      write(recordType.settled, encodeSettled(seq));
      writer.dropBefore(waiting.find(({ place }) => place !== undefined)?.place?.segment ?? Number.POSITIVE_INFINITY);
      return settled;
    },
    quarantine(seq, reason) {
      const index = waiting.findIndex((spooled) => spooled.seq === seq);
      if (index < 0) return undefined;
      const body = bodyOf(seq);
      const [rejected] = waiting.splice(index, 1) as [Spooled];
      forget(rejected);
      write(recordType.rejected, encodeRejected(seq, reason));
      if (body !== undefined) options.keepRejected({ ...rejected, body }, reason);
      return rejected;
    },
    noteClose: (request) => void write(recordType.close, encodeClose(request)),
    close(done) {
      writer.close();
      if (done) options.remove();
    },
    durable: () => waiting.every(({ place }) => place !== undefined),
  };
}
