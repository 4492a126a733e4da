// Which batches a detector has seen, by rank and version. A batch may come twice: sent again because its acknowledgement
// was lost, or replayed from storage and then committed live. Rules that look at every point at once must see it once.

/** Of one rank. */
interface Seen {
  newest: bigint;
  /** The latest ones; a client has far fewer in flight. */
  readonly recent: Set<bigint>;
}

export interface SeenVersions {
  /** False when it was noted before. */
  note(rank: number, ver: bigint): boolean;
  /** The newest version of a rank; 0 before the first. */
  newest(rank: number): bigint;
  /** The smallest of the ranks' newest: what came after it may not have been seen. Undefined before the first. */
  leastNewest(): bigint | undefined;
  save(): SavedVersions;
}

/** By rank: the newest version, then the recent ones, as decimal text. */
export type SavedVersions = Readonly<Record<string, readonly string[]>>;

const recentMax = 256;

export function createSeenVersions(saved: SavedVersions = {}): SeenVersions {
  const ranks = new Map<number, Seen>(
    Object.entries(saved).map(([rank, [newest = "0", ...recent]]) => [
      Number(rank),
      { newest: BigInt(newest), recent: new Set(recent.map(BigInt)) },
    ]),
  );
  return {
    note(rank, ver) {
      const seen = ranks.get(rank) ?? { newest: 0n, recent: new Set<bigint>() };
      ranks.set(rank, seen);
      if (seen.recent.has(ver)) return false;
      seen.recent.add(ver);
      if (ver > seen.newest) seen.newest = ver;
      if (seen.recent.size > recentMax) seen.recent.delete(seen.recent.values().next().value as bigint);
      return true;
    },
    newest: (rank) => ranks.get(rank)?.newest ?? 0n,
    leastNewest: () =>
      [...ranks.values()].map(({ newest }) => newest).reduce<bigint | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined),
    save: () => Object.fromEntries([...ranks].map(([rank, { newest, recent }]) => [rank, [newest, ...recent].map(String)])),
  };
}
