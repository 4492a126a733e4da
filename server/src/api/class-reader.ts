// Class records as the API shows them: counts and errors over time, and one confusion.

import { classConfusion, classPhases, classRecords } from "../storage/queries/classes.ts";
import { sessionCuts } from "../storage/queries/session-cut.ts";
import type { ReadContext } from "./run-reader.ts";
import type { ClassRecords, Phase } from "./schema.ts";

export interface ClassesRequest {
  /** Default: train, if the run has it. */
  readonly phase?: Phase | undefined;
  readonly rank: number;
  /** Of the confusion; default: the last. */
  readonly step?: number | undefined;
  readonly records: number;
}

const stored = { train: "PHASE_TRAIN", evaluation: "PHASE_EVALUATION", none: "" } as const satisfies Record<Phase, string>;
const words: Readonly<Record<(typeof stored)[Phase], Phase>> = { PHASE_TRAIN: "train", PHASE_EVALUATION: "evaluation", "": "none" };

export async function readClasses(run: bigint, request: ClassesRequest, { store, signal, nowMs }: ReadContext): Promise<ClassRecords> {
  const of = { run, ...(await sessionCuts(store, [run], signal)) };
  const phases = (await store.read(classPhases, of, { signal })).map(({ phase, ranks }) => ({ phase: words[phase], ranks }));
  const phase = request.phase ?? phases[0]?.phase ?? "train";
  const one = { ...of, rank: request.rank, phase: stored[phase] };
  const [rows, [confusion]] = await Promise.all([
    store.read(classRecords, { ...one, most: request.records }, { signal }),
    store.read(classConfusion, { ...one, step: request.step ?? -1 }, { signal }),
  ]);
  return {
    phase,
    rank: request.rank,
    phases,
    classes: Math.max(0, ...rows.map(({ label_counts, prediction_counts }) => Math.max(label_counts.length, prediction_counts.length))),
    total: rows[0]?.records ?? 0,
    records: rows.map(({ step, time_ms, label_counts, prediction_counts, class_error }) => ({
      step,
      time: time_ms,
      labelCounts: label_counts,
      predictionCounts: prediction_counts,
      classError: class_error.map((share) => (Number.isFinite(share) ? share : null)),
    })),
    confusion: confusion === undefined ? null : { step: confusion.step, counts: square(confusion.confusion) },
    asOf: nowMs,
  };
}

/** Row by row. */
function square(cells: readonly number[]): number[][] {
  const side = Math.round(Math.sqrt(cells.length));
  return Array.from({ length: side }, (_none, row) => cells.slice(row * side, (row + 1) * side));
}
