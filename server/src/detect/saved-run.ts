// What a detector must remember to go on in another process: written as JSON with its format version, read back only
// if the version is this one. State of a rule whose version changed is dropped: that rule starts afresh.

import type { SavedIncident } from "./incidents.ts";
import type { Checkpoint, RunFacts } from "./observation.ts";
import type { RankState, RunningRule } from "./rank-watch.ts";
import type { Plain, Signal } from "./rule.ts";
import type { SeriesEntry } from "./series-table.ts";
import { type Json, decodePlain, encodePlain } from "./snapshot.ts";
import { EVIDENCE_POINTS_MAX } from "./transition.ts";

/** Raised when what is below changes its shape. */
const FORMAT = 1;

export interface SavedRun {
  readonly series: readonly SeriesEntry[];
  readonly evictedSeries: number;
  readonly incidents: readonly SavedIncident[];
  readonly ranks: readonly RankState[];
  readonly signals: readonly Signal[];
  readonly checkpoints: readonly Checkpoint[];
  readonly facts: RunFacts;
  readonly late: number;
}

const FRESH: SavedRun = { series: [], evictedSeries: 0, incidents: [], ranks: [], signals: [], checkpoints: [], facts: {}, late: 0 };

export function writeSavedRun(rules: readonly RunningRule[], run: Omit<SavedRun, "incidents"> & { readonly incidents: Plain }): Json {
  const document = {
    ...run,
    format: FORMAT,
    rules: rules.map(({ rule, failures, lastFailure }) => ({ id: rule.id, version: rule.version, failures, lastFailure })),
    series: run.series.map((entry) => ({
      ...entry,
      steps: entry.steps.slice(-EVIDENCE_POINTS_MAX),
      values: entry.values.slice(-EVIDENCE_POINTS_MAX),
    })),
  };
  return encodePlain(document as unknown as Plain);
}

/** Throws an Error for a snapshot of another format. Restores the failure counts into `rules`. */
export function readSavedRun(snapshot: Json, rules: readonly RunningRule[]): SavedRun {
  if (snapshot === null) return FRESH;
  const document = decodePlain(snapshot) as unknown as SavedRun & {
    readonly format?: unknown;
    readonly rules: readonly { id: string; version: number; failures: number; lastFailure: string }[];
  };
  if (document.format !== FORMAT) {
    throw new Error(
      `the snapshot has format ${String(document.format)}; this version reads format ${FORMAT}. Start without it: rules then see the run from here on.`,
    );
  }
  for (const running of rules) {
    const known = document.rules.find(({ id, version }) => id === running.rule.id && version === running.rule.version);
    if (known === undefined) continue;
    running.failures = known.failures;
    running.lastFailure = known.lastFailure;
  }
  return {
    ...document,
    ranks: document.ranks.map((rank) => ({
      ...rank,
      states: rules.map(({ rule, options }) => {
        const at = document.rules.findIndex(({ id, version }) => id === rule.id && version === rule.version);
        return at < 0 ? rule.init({ options, facts: document.facts }) : rank.states[at]!;
      }),
    })),
  };
}
