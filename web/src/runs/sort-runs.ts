// Orders of the runs table, and which of a run's numbers is "the loss".

import type { Float, Run } from "@gradwatch/server/api-types";

export type SortKey = "name" | "project" | "state" | "alerts" | "step" | "loss" | "duration" | "started";

export interface RunSort {
  readonly key: SortKey;
  readonly descending: boolean;
}

/** Names that are tried in order; the step record's loss is the raw one. */
const LOSS_NAMES = ["loss", "train/loss", "train_loss", "step/loss", "train.loss"];

export function lossOf(run: Run): Float | undefined {
  const name = LOSS_NAMES.find((one) => one in run.summary) ?? Object.keys(run.summary).find((one) => /(^|[/_.])loss$/i.test(one));
  const loss = name === undefined ? undefined : run.summary[name];
  return typeof loss === "string" && !NON_FINITE.has(loss) ? undefined : (loss as Float | undefined);
}

/** What a run sets itself may be any text. */
const NON_FINITE: ReadonlySet<string> = new Set(["NaN", "Infinity", "-Infinity"]);

const LEVELS = { critical: 4, high: 3, warn: 2, info: 1 } as const;

/** Non-finite and absent numbers come last in ascending order. */
export function sortRuns(runs: readonly Run[], sort: RunSort | undefined, nowMs: number): readonly Run[] {
  if (sort === undefined) return runs;
  const direction = sort.descending ? -1 : 1;
  return [...runs].sort((a, b) => direction * compare(keyOf(a, sort.key, nowMs), keyOf(b, sort.key, nowMs)));
}

function keyOf(run: Run, key: SortKey, nowMs: number): string | number {
  switch (key) {
    case "name":
      return run.name || run.run;
    case "project":
      return run.project;
    case "state":
      return run.state;
    case "alerts":
      return (run.incidents.worst === null ? 0 : LEVELS[run.incidents.worst] * 1_000) + Math.min(run.incidents.firing, 999);
    case "step":
      return run.stepMax ?? Number.POSITIVE_INFINITY;
    case "loss": {
      const loss = lossOf(run);
      return typeof loss === "number" ? loss : Number.POSITIVE_INFINITY;
    }
    case "duration":
      return (run.endedAt ?? nowMs) - run.createdAt;
    case "started":
      return run.createdAt;
  }
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b);
  return a === b ? 0 : a < b ? -1 : 1;
}
