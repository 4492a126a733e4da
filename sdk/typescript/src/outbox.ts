// Where batches wait until the server has them. This one is memory, bounded; the disk spool takes its place by
// implementing the same interface: append before sending, settle when acknowledged, quarantine what can never be stored.

import type { Batch } from "@gradwatch/proto";

export interface Sealed {
  readonly batch: Batch;
  readonly points: number;
}

export interface Outbox {
  /** False when there is no room; the batch is then not kept. */
  append(sealed: Sealed): boolean;
  /** Everything not settled, by rising sequence number. */
  unsettled(): readonly Sealed[];
  /** Removes and returns all with a sequence number up to `seq`. */
  settle(seq: bigint): readonly Sealed[];
  /** Removes and returns one that the server can never store. */
  quarantine(seq: bigint): Sealed | undefined;
  readonly bytes: () => number;
}

export function createMemoryOutbox(bytesMax: number): Outbox {
  let waiting: Sealed[] = [];
  let bytes = 0;
  const sizeOf = ({ batch }: Sealed): number => batch.body.length;
  return {
    append(sealed) {
      if (bytes + sizeOf(sealed) > bytesMax) return false;
      waiting.push(sealed);
      bytes += sizeOf(sealed);
      return true;
    },
    unsettled: () => waiting,
    settle(seq) {
      const firstLater = waiting.findIndex(({ batch }) => batch.seq > seq);
      const settled = firstLater < 0 ? waiting : waiting.slice(0, firstLater);
      waiting = firstLater < 0 ? [] : waiting.slice(firstLater);
      for (const sealed of settled) bytes -= sizeOf(sealed);
      return settled;
    },
    quarantine(seq) {
      const index = waiting.findIndex(({ batch }) => batch.seq === seq);
      if (index < 0) return undefined;
      const [sealed] = waiting.splice(index, 1) as [Sealed];
      bytes -= sizeOf(sealed);
      return sealed;
    },
    bytes: () => bytes,
  };
}
