// The series of one run that rules follow in step order: where each is, and its last points for evidence. Bounded: over
// the limit, the series that has been silent for longest is forgotten and counted.

import { EVIDENCE_POINTS_MAX } from "./transition.ts";

export type SeriesEntry = {
  rank: number;
  metric: string;
  /** NaN before the first point of a session. */
  lastStep: number;
  /** When it was last seen, in points of the whole run: no clock. */
  seenAt: number;
  steps: number[];
  values: number[];
};

export interface SeriesTable {
  find(rank: number, metric: string): SeriesEntry | undefined;
  /** The entry, made if there is none. */
  touch(rank: number, metric: string): SeriesEntry;
  /** Forgets where the series of a rank were, because it was resumed; keeps their last points. */
  resetCursors(rank: number): void;
  entries(): SeriesEntry[];
  evicted(): number;
}

export function createSeriesTable(seriesMax: number, saved: readonly SeriesEntry[], evictedBefore: number): SeriesTable {
  const byRank = new Map<number, Map<string, SeriesEntry>>();
  let size = 0;
  let evicted = evictedBefore;
  let seen = 0;
  for (const entry of saved) {
    add({ ...entry, steps: [...entry.steps], values: [...entry.values] });
    seen = Math.max(seen, entry.seenAt);
  }

  function add(entry: SeriesEntry): void {
    let ofRank = byRank.get(entry.rank);
    if (ofRank === undefined) byRank.set(entry.rank, (ofRank = new Map()));
    ofRank.set(entry.metric, entry);
    size += 1;
  }

  function all(): SeriesEntry[] {
    return [...byRank.values()].flatMap((ofRank) => [...ofRank.values()]);
  }

  function evict(): void {
    const oldest = all().reduce((a, b) => (b.seenAt < a.seenAt ? b : a));
    byRank.get(oldest.rank)?.delete(oldest.metric);
    size -= 1;
    evicted += 1;
  }

  return {
    find: (rank, metric) => byRank.get(rank)?.get(metric),
    touch(rank, metric) {
      let entry = byRank.get(rank)?.get(metric);
      if (entry === undefined) {
        if (size >= seriesMax) evict();
        entry = { rank, metric, lastStep: Number.NaN, seenAt: 0, steps: [], values: [] };
        add(entry);
      }
      entry.seenAt = seen += 1;
      return entry;
    },
    resetCursors(rank) {
      for (const entry of byRank.get(rank)?.values() ?? []) entry.lastStep = Number.NaN;
    },
    entries: all,
    evicted: () => evicted,
  };
}

export function remember(entry: SeriesEntry, step: number, value: number): void {
  entry.steps.push(step);
  entry.values.push(value);
  // Trimmed rarely, in one go: shifting an array at every point would cost more than the rules.
  if (entry.steps.length >= 2 * EVIDENCE_POINTS_MAX) {
    entry.steps = entry.steps.slice(-EVIDENCE_POINTS_MAX);
    entry.values = entry.values.slice(-EVIDENCE_POINTS_MAX);
  }
}
