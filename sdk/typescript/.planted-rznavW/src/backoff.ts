// Waiting between tries: exponential with full jitter (Marc Brooker, "Exponential Backoff And Jitter", AWS 2015), so that
// a thousand processes do not come back to a restarted server at once.

export interface Backoff {
  /** How long to wait before the next try, in milliseconds. */
  next(): number;
  reset(): void;
}

export function createBackoff(random: () => number, firstMs: number, largestMs: number): Backoff {
  let tries = 0;
  return {
    next: () => random() * Math.min(largestMs, firstMs * 2 ** tries++),
    reset() {
      tries = 0;
    },
  };
}
