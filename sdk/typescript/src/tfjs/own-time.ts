// Adds up what watching costs training, so that it can be kept within a budget. Nested measurements count once.

export interface OwnTime {
  measure<Result>(work: () => Result): Result;
  add(ms: number): void;
  /** Since the last call. */
  take(): number;
}

export function createOwnTime(now: () => number = () => performance.now()): OwnTime {
  let spentMs = 0;
  let depth = 0;
  return {
    measure(work) {
      if (depth > 0) return work();
      depth = 1;
      const begun = now();
      try {
        return work();
      } finally {
        depth = 0;
        spentMs += now() - begun;
      }
    },
    add: (ms) => void (spentMs += ms),
    take() {
      const spent = spentMs;
      spentMs = 0;
      return spent;
    },
  };
}
