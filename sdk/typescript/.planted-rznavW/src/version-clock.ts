// Versions of batches: a hybrid clock in microseconds. Strictly increasing and close to the wall clock, so that of two
// writers the later one wins.

export interface VersionClock {
  next(): bigint;
}

export function createVersionClock(nowMs: () => number): VersionClock {
  let last = 0n;
  return {
    next() {
      const now = BigInt(Math.floor(nowMs())) * 1000n;
      last = now > last ? now : last + 1n;
      return last;
    },
  };
}
