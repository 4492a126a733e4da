// The one outbox: every part of a batch is in a segment of its kind before the batch is sent, so that shedding a kind is
// removing files. A few MiB of bodies are kept in memory as well; the others are read back when their turn comes. When the
// disk refuses, or there is none, parts wait in memory alone, up to a cap of their own.

import { joinBodies, type Outbox, type Part, type PartKind, partKinds, type Waiting } from "../outbox.ts";
import { createQueue } from "./queue.ts";
import { decodePart, encodeClose, encodeOpening, encodePart, encodeRejected, encodeSettled, type Opening } from "./payload.ts";
import { partRecordType, recordType, type RecordType } from "./record.ts";
import type { Place, SegmentWriter } from "./segments.ts";

interface Piece {
  readonly points: number;
  readonly bytes: number;
  /** Undefined: the disk refused it, and memory is all there is. */
  readonly place: Place | undefined;
  body: Uint8Array<ArrayBuffer> | undefined;
}

interface Kept {
  readonly seq: bigint;
  readonly ver: bigint;
  /** In the order of `partKinds`. */
  readonly pieces: Map<PartKind, Piece>;
  /** May be on its way: no longer changed. */
  fixed: boolean;
}

/** What an earlier process left. */
export interface LeftEntry {
  readonly seq: bigint;
  readonly ver: bigint;
  readonly parts: ReadonlyMap<PartKind, { readonly points: number; readonly bytes: number; readonly place: Place }>;
}

export interface OutboxOptions {
  /** Undefined: in memory only. */
  readonly writer: SegmentWriter | undefined;
  readonly opening?: () => Opening;
  /** Of all segments. */
  readonly diskBytesMax: number;
  /** Of what the disk does not hold. */
  readonly memoryBytesMax: number;
  /** Bodies that are on disk and in memory, too. */
  readonly cacheBytesMax: number;
  /** Entries whose version is older than this are given up; undefined: none. */
  readonly oldestVersion: () => bigint | undefined;
  /** Points that were given up to make room, or because they were too old. */
  readonly shed: (kind: PartKind, points: number, why: "full" | "old") => void;
  /** Keeps a batch that the server can never store, with its reason. */
  readonly keepRejected: (seq: bigint, ver: bigint, points: number, body: Uint8Array, reason: string) => void;
  /** Takes the folder away. */
  readonly remove: () => void;
  /** The disk refused. */
  readonly diskFailed: (error: unknown) => void;
  readonly left?: readonly LeftEntry[];
}

/** Shed in this order; scalars never: the newest are refused instead. */
const shedOrder: readonly Exclude<PartKind, "data">[] = ["images", "console", "tensors"];

export function createOutbox(options: OutboxOptions): Outbox {
  const { writer } = options;
  const queue = createQueue<Kept>();
  /** Parts that wait, by segment. */
  const segments = new Map<number, { readonly kind: PartKind; live: number; readonly entries: Kept[] }>();
  const empty = new Set<number>();
  let points = 0;
  let memoryBytes = 0;
  let cacheBytes = 0;

  for (const { parts, ...left } of options.left ?? []) {
    const entry: Kept = { ...left, pieces: new Map(), fixed: false };
    for (const kind of partKinds) {
      const part = parts.get(kind);
      if (part !== undefined) addPiece(entry, kind, { ...part, body: undefined });
    }
    queue.push(entry);
  }

  function addPiece(entry: Kept, kind: PartKind, piece: Piece): void {
    entry.pieces.set(kind, piece);
    points += piece.points;
    if (piece.place === undefined) memoryBytes += piece.bytes;
    else {
      if (piece.body !== undefined) cacheBytes += piece.bytes;
      const segment = segments.get(piece.place.segment) ?? { kind, live: 0, entries: [] };
      segment.live += 1;
      segment.entries.push(entry);
      segments.set(piece.place.segment, segment);
    }
  }

  function removePiece(entry: Kept, kind: PartKind): Piece | undefined {
    const piece = entry.pieces.get(kind);
    if (piece === undefined) return undefined;
    entry.pieces.delete(kind);
    points -= piece.points;
    if (piece.place === undefined) memoryBytes -= piece.bytes;
    else {
      if (piece.body !== undefined) cacheBytes -= piece.bytes;
      const segment = segments.get(piece.place.segment);
      if (segment !== undefined && --segment.live === 0) empty.add(piece.place.segment);
    }
    return piece;
  }

  /** What nothing waits in and nothing is written to any more. */
  function tidy(): void {
    for (const segment of empty) {
      if (segments.get(segment)?.live !== 0) empty.delete(segment);
      else if (writer?.isCurrent(segment) !== true) removeSegment(segment);
    }
  }

  function removeSegment(segment: number): void {
    segments.delete(segment);
    empty.delete(segment);
    writer?.remove(segment);
  }

  const forget = (entry: Kept): void => {
    for (const kind of partKinds) removePiece(entry, kind);
  };

  const describe = ({ seq, ver, pieces }: Kept): Waiting => {
    let [sum, bytes] = [0, 0];
    for (const piece of pieces.values()) {
      sum += piece.points;
      bytes += piece.bytes;
    }
    return { seq, ver, points: sum, bytes };
  };

  function write(kind: PartKind, type: RecordType, payload: Uint8Array): Place | undefined {
    if (writer === undefined) return undefined;
    try {
      return writer.append(kind, type, payload);
    } catch (error) {
      options.diskFailed(error);
      return undefined;
    }
  }

  /** Gives up the oldest of a kind that can be given up; false: there is none. */
  function shedOldest(kind: Exclude<PartKind, "data">, where: "disk" | "memory"): boolean {
    if (where === "memory") {
      for (const entry of queue.items()) {
        const piece = entry.pieces.get(kind);
        if (entry.fixed || piece === undefined || piece.place !== undefined) continue;
        removePiece(entry, kind);
        options.shed(kind, piece.points, "full");
        return true;
      }
      return false;
    }
    for (const [number, segment] of segments) {
      if (segment.kind !== kind || segment.entries.some((entry) => entry.fixed && isIn(entry, kind, number))) continue;
      writer?.leave(number);
      let lost = 0;
      for (const entry of segment.entries) {
        if (isIn(entry, kind, number)) lost += removePiece(entry, kind)?.points ?? 0;
      }
      removeSegment(number);
      if (lost > 0) options.shed(kind, lost, "full");
      return true;
    }
    return false;
  }

  const isIn = (entry: Kept, kind: PartKind, segment: number): boolean => entry.pieces.get(kind)?.place?.segment === segment;

  /** Makes room for `parts`, of which it may take some away; false: there is none even for the data. */
  function makeRoom(parts: Map<PartKind, Part>, where: "disk" | "memory"): boolean {
    const [used, max] =
      where === "disk"
        ? ([() => writer?.bytes() ?? 0, options.diskBytesMax] as const)
        : ([() => memoryBytes, options.memoryBytesMax] as const);
    const fits = (): boolean => used() + [...parts.values()].reduce((sum, { body }) => sum + body.length, 0) <= max;
    for (const kind of shedOrder) {
      while (!fits() && shedOldest(kind, where));
      if (fits()) return true;
      const own = parts.get(kind);
      if (own === undefined) continue;
      parts.delete(kind);
      options.shed(kind, own.points, "full");
    }
    return fits();
  }

  function expire(): void {
    const oldest = options.oldestVersion();
    if (oldest === undefined) return;
    for (let first = queue.first(); first !== undefined && first.ver < oldest && !first.fixed; first = queue.first()) {
      queue.shift();
      for (const kind of partKinds) {
        const piece = removePiece(first, kind);
        if (piece !== undefined && piece.points > 0) options.shed(kind, piece.points, "old");
      }
    }
    tidy();
  }

  function bodyOf(entry: Kept): Uint8Array<ArrayBuffer> | undefined {
    entry.fixed = true;
    try {
      return joinBodies(
        [...entry.pieces.values()].map(({ body, place }) => body ?? decodePart((writer as SegmentWriter).read(place as Place)).body),
      );
    } catch (error) {
      options.diskFailed(error);
      return undefined;
    }
  }

  function refuse(parts: ReadonlyMap<PartKind, Part>): false {
    for (const [kind, part] of parts) if (part.points > 0) options.shed(kind, part.points, "full");
    return false;
  }

  const find = (seq: bigint): Kept | undefined => queue.find((entry) => entry.seq === seq);

  return {
    append({ seq, ver, parts: given }) {
      const parts = new Map(partKinds.flatMap((kind) => (given[kind] === undefined ? [] : [[kind, given[kind]] as const])));
      if (writer !== undefined && !makeRoom(parts, "disk")) return refuse(parts);
      const entry: Kept = { seq, ver, pieces: new Map(), fixed: false };
      const places = new Map<PartKind, Place | undefined>();
      // The data is what makes the batch exist for a reader: it comes last.
      for (const [kind, { points: partPoints, body }] of [...parts].toReversed()) {
        places.set(kind, write(kind, partRecordType[kind], encodePart({ seq, ver, points: partPoints, body })));
      }
      const refused = new Map([...parts].filter(([kind]) => places.get(kind) === undefined));
      const hasRoom = refused.size === 0 || makeRoom(refused, "memory");
      for (const kind of parts.keys()) if (places.get(kind) === undefined && !refused.has(kind)) parts.delete(kind);
      if (!hasRoom) return refuse(parts);
      for (const [kind, { points: partPoints, body }] of parts) {
        const place = places.get(kind);
        const isCached = place === undefined || cacheBytes + body.length <= options.cacheBytesMax;
        addPiece(entry, kind, { points: partPoints, bytes: body.length, place, body: isCached ? body : undefined });
      }
      queue.push(entry);
      tidy();
      return true;
    },
    expire,
    head: (count) => queue.head(count).map(describe),
    points: () => points,
    bodyOf(seq) {
      const entry = find(seq);
      return entry === undefined ? undefined : bodyOf(entry);
    },
    settle(seq) {
      const settled: Waiting[] = [];
      for (let first = queue.first(); first !== undefined && first.seq <= seq; first = queue.first()) {
        settled.push(describe(first));
        queue.shift();
        forget(first);
      }
      // May be lost: then a batch is sent once more, which changes nothing.
      if (settled.length > 0) write("data", recordType.settled, encodeSettled(seq));
      tidy();
      return settled;
    },
    quarantine(seq, reason) {
      const entry = find(seq);
      if (entry === undefined) return undefined;
      const body = bodyOf(entry);
      const rejected = describe(entry);
      
      write("data", recordType.rejected, encodeRejected(seq, reason));
      if (body !== undefined) options.keepRejected(rejected.seq, rejected.ver, rejected.points, body, reason);
      return rejected;
    },
    noteOpened() {
      // A segment that is begun later says so at its head.
      const opening = writer?.isBegun() === true ? options.opening?.() : undefined;
      if (opening !== undefined) write("data", recordType.open, encodeOpening(opening));
    },
    noteClose: (request) => void write("data", recordType.close, encodeClose(request)),
    close(done) {
      writer?.close();
      if (done) options.remove();
    },
    durable: () =>
      writer !== undefined && queue.items().every(({ pieces }) => [...pieces.values()].every(({ place }) => place !== undefined)),
  };
}
