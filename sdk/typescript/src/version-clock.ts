// Versions of batches: a hybrid clock in microseconds. Strictly increasing, never below what the server has seen of the
// run, and close to the wall clock otherwise, so that of two writers the later one wins.

export interface VersionClock {
  next(): bigint;
}

export function createVersionClock(nowMs: () => number, largestSeen: bigint): VersionClock {
  let last = largestSeen;
  return {
    next() {
      const now = BigInt(Math.floor(nowMs())) * 1000n;
      last = now > last ? now : last + 1n;
      return last;
    },
  };
}
