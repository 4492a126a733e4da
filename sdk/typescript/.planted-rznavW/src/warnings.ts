// What goes wrong is said once a kind, on stderr, with what to do, and counted exactly. Nothing is thrown: the caller is
// a training loop.

export interface Warnings {
  /** Says `message` unless one of the same kind was said before in this episode. */
  warn(kind: string, message: string): void;
  /** The trouble is over: the next one is said again. */
  recovered(kind: string): void;
}

export function createWarnings(write: (line: string) => void): Warnings {
  const said = new Set<string>();
  return {
    warn(kind, message) {
      if (said.has(kind)) return;
      said.add(kind);
      write(`gradwatch: ${message}\n`);
    },
    recovered: (kind) => void said.delete(kind),
  };
}

/** Points by what became of them; a point is one scalar, tensor summary, step-record number or event. */
export interface Ledger {
  logged: number;
  acknowledged: number;
  rejected: number;
  readonly dropped: Map<string, number>;
  /** Notes points that will never arrive. */
  drop(reason: string, points: number): void;
}

export function createLedger(): Ledger {
  const dropped = new Map<string, number>();
  return {
    logged: 0,
    acknowledged: 0,
    rejected: 0,
    dropped,
    drop(reason, points) {
      if (points > 0) dropped.set(reason, (dropped.get(reason) ?? 0) + points);
    },
  };
}
