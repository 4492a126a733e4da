// Where batches wait until the server has them: on disk, or where there is none, in memory. Append before sending, settle when
// acknowledged, quarantine what can never be stored. Bounded: when there is no room left it sheds images first, then console
// lines, then tensor summaries, and only then refuses scalars. What was given out for sending stays as it is.

import type { CloseRunRequest } from "@gradwatch/proto";

/** Pieces of a batch's body, dearest first; bodies of all parts one after the other are one body, as protobuf allows. */
export const partKinds = ["data", "tensors", "console", "images"] as const;
export type PartKind = (typeof partKinds)[number];

export interface Part {
  readonly points: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A closed batch. It becomes complete when the run is open: session and version shift are the server's to say. */
export interface Entry {
  /** Rising per producer. */
  readonly seq: bigint;
  /** Before the shift. */
  readonly ver: bigint;
  /** "data" is always there: it tells the run. */
  readonly parts: Parts;
}

export type Parts = { readonly data: Part } & { readonly [kind in Exclude<PartKind, "data">]?: Part | undefined };

/** What is known of an entry without its body. */
export interface Waiting {
  readonly seq: bigint;
  readonly ver: bigint;
  readonly points: number;
  readonly bytes: number;
}

export interface Outbox {
  /** False when there is no room; the entry is then not kept. */
  append(entry: Entry): boolean;
  /** Gives up what has waited too long. */
  expire(): void;
  /** The first `count` that are not settled, by rising sequence number. */
  head(count: number): readonly Waiting[];
  /** Of all that waits. */
  readonly points: () => number;
  /** The body of one that waits. From now on it is the same for ever: it may be on its way. */
  bodyOf(seq: bigint): Uint8Array<ArrayBuffer> | undefined;
  /** Removes and returns all with a sequence number up to `seq`. */
  settle(seq: bigint): readonly Waiting[];
  /** Removes and returns one that the server can never store. */
  quarantine(seq: bigint, reason: string): Waiting | undefined;
  /** The run is open: what is in an opening from now on, is known. */
  noteOpened(): void;
  /** How the run ends, for whoever sends what is left. */
  noteClose(request: CloseRunRequest): void;
  /** Nothing more will be appended. `done`: all is settled and the run closed; nothing has to be kept. */
  close(done: boolean): void;
  /** Whether what waits outlives this process. */
  readonly durable: () => boolean;
}

export const pointsOf = (parts: Parts): number => partKinds.reduce((sum, kind) => sum + (parts[kind]?.points ?? 0), 0);

export function joinBodies(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(bodies.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const body of bodies) {
    joined.set(body, at);
    at += body.length;
  }
  return joined;
}
