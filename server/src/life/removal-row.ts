// A note of what leaves the disk. Written before it does: where a server ends in between, the same is said once more.

export interface LeavingRows {
  readonly project: string;
  readonly run: bigint;
  readonly rows: number;
  /** Estimated. */
  readonly bytes: number;
}

export function removalRow(
  table: string,
  reason: "deleted" | "expired",
  { project, run, rows, bytes }: LeavingRows,
  nowMs: number,
): Record<string, unknown> {
  return { project, run: run.toString(), table_name: table, reason, day: dayOf(nowMs), time_ms: nowMs, rows, bytes };
}

/** 2026-03-01, in UTC. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
