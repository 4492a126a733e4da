// Counts failed attempts by address, in bounded memory. Guessing 256 bits is hopeless anyway: this keeps floods of wrong keys
// cheap and the log readable. A right key is never held up by another's failures: many processes share one address.

export interface FailureLimit {
  /** Notes one failure; true when this address is over its limit. */
  note(address: string): boolean;
}

export const windowMs = 60_000;
/** The address that failed longest ago makes way. */
const addressesMax = 10_000;

export function createFailureLimit(failuresMax: number, nowMs: () => number): FailureLimit {
  const windows = new Map<string, { readonly endsMs: number; failures: number }>();
  return {
    note(address) {
      const now = nowMs();
      const before = windows.get(address);
      const window = before !== undefined && before.endsMs > now ? before : { endsMs: now + windowMs, failures: 0 };
      window.failures += 1;
      windows.delete(address);
      windows.set(address, window);
      if (windows.size > addressesMax) windows.delete(windows.keys().next().value as string);
      return window.failures > failuresMax;
    },
  };
}
