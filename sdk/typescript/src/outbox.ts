// Where batches wait until the server has them: bounded memory, and where there is a disk, a spool that outlives the
// process. Append before sending, settle when acknowledged, quarantine what can never be stored.

import type { CloseRunRequest } from "@gradwatch/proto";

/** A closed batch. It becomes complete when the run is open: session and version shift are the server's to say. */
export interface Entry {
  /** 1, 2, 3, … per producer. */
  readonly seq: bigint;
  /** Before the shift. */
  readonly ver: bigint;
  readonly points: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What is known of an entry without its body. */
export type Waiting = Omit<Entry, "body"> & { readonly bytes: number };

export interface Outbox {
  /** False when there is no room; the entry is then not kept. */
  append(entry: Entry): boolean;
  /** Everything not settled, by rising sequence number. */
  unsettled(): readonly Waiting[];
  /** The body of one that waits. */
  bodyOf(seq: bigint): Uint8Array<ArrayBuffer> | undefined;
  /** Removes and returns all with a sequence number up to `seq`. */
  settle(seq: bigint): readonly Waiting[];
  /** Removes and returns one that the server can never store. */
  quarantine(seq: bigint, reason: string): Waiting | undefined;
  /** How the run ends, for whoever sends what is left. */
  noteClose(request: CloseRunRequest): void;
  /** Nothing more will be appended. `done`: all is settled and the run closed; nothing has to be kept. */
  close(done: boolean): void;
  /** Whether what waits outlives this process. */
  readonly durable: () => boolean;
}

interface Kept extends Waiting {
  readonly body: Uint8Array<ArrayBuffer>;
}

export function createMemoryOutbox(bytesMax: number): Outbox {
  let waiting: Kept[] = [];
  let bytes = 0;
  return {
    append(entry) {
      if (bytes + entry.body.length > bytesMax) return false;
      waiting.push({ ...entry, bytes: entry.body.length });
      bytes += entry.body.length;
      return true;
    },
    unsettled: () => waiting,
    bodyOf: (wanted) => waiting.find(({ seq }) => seq === wanted)?.body,
    settle(seq) {
      const firstLater = waiting.findIndex((kept) => kept.seq > seq);
      const settled = firstLater < 0 ? waiting : waiting.slice(0, firstLater);
      waiting = firstLater < 0 ? [] : waiting.slice(firstLater);
      for (const kept of settled) bytes -= kept.bytes;
      return settled;
    },
    quarantine(seq) {
      const index = waiting.findIndex((kept) => kept.seq === seq);
      if (index < 0) return undefined;
      const [rejected] = waiting.splice(index, 1) as [Kept];
      bytes -= rejected.bytes;
      return rejected;
    },
    noteClose: () => undefined,
    close: () => undefined,
    durable: () => false,
  };
}
