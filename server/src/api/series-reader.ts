// Series of many runs and metrics in one answer.

import { metricKey, runKey } from "../storage/keys.ts";
import { seriesBuckets, seriesExtents } from "../storage/queries/series.ts";
import { sessionCuts } from "../storage/queries/session-cut.ts";
import { jsonFloat } from "./json-float.ts";
import { ProblemError } from "./problem.ts";
import type { ReadContext } from "./run-reader.ts";
import type { Buckets, SeriesResponse } from "./schema.ts";
import { stepColumns } from "./step-columns.ts";

export interface SeriesSelection {
  readonly runs: readonly { readonly project: string; readonly run: string }[];
  readonly metrics: readonly string[];
  readonly stepFrom?: number | undefined;
  readonly stepTo?: number | undefined;
  readonly maxBuckets: number;
}

/** Buckets of one answer, over all series: about 100 MB of JSON. */
const bucketsMax = 1_000_000;

export async function readSeries(selection: SeriesSelection, { store, signal, nowMs }: ReadContext): Promise<SeriesResponse> {
  const runs = new Map(selection.runs.map((ref) => [runKey(ref.project, ref.run), ref]));
  const metrics = new Map(selection.metrics.map((name) => [metricKey(name), name]));
  const chosen = {
    runs: [...runs.keys()],
    metrics: [...metrics.keys()],
    step_from: selection.stepFrom ?? 0,
    step_to: selection.stepTo ?? Number.MAX_SAFE_INTEGER,
    ...(await sessionCuts(store, [...runs.keys()], signal)),
  };
  const extents = await store.read(seriesExtents, chosen, { signal });
  const buckets = extents.reduce((sum, { points }) => sum + Math.min(points, selection.maxBuckets), 0);
  if (buckets > bucketsMax) {
    throw new ProblemError(
      "over-limit",
      `the answer would have up to ${buckets} buckets; the limit is ${bucketsMax}. Ask for fewer runs or metrics, or lower maxBuckets.`,
    );
  }
  if (extents.length === 0) return { series: [], asOf: nowMs };
  const first = selection.stepFrom ?? extents.reduce((least, { step_min }) => Math.min(least, step_min), Infinity);
  const last = selection.stepTo ?? extents.reduce((most, { step_max }) => Math.max(most, step_max), -Infinity);
  const whole = extents.filter(({ points }) => points <= selection.maxBuckets);
  const rows = await store.read(
    seriesBuckets,
    {
      ...chosen,
      // What arrives meanwhile waits for the next answer: the buckets are laid out already.
      step_to: last,
      whole_runs: whole.map(({ run }) => run),
      whole_metrics: whole.map(({ metric }) => metric),
      whole_ranks: whole.map(({ rank }) => rank),
      ...stepColumns(first, last, selection.maxBuckets),
    },
    { signal },
  );
  const runOrder = [...runs.keys()];
  const metricOrder = [...metrics.keys()];
  const series = rows
    .toSorted(
      (a, b) =>
        runOrder.indexOf(a.run) - runOrder.indexOf(b.run) ||
        metricOrder.indexOf(a.metric) - metricOrder.indexOf(b.metric) ||
        a.rank - b.rank,
    )
    .map((row) => ({
      ...(runs.get(row.run) as { project: string; run: string }),
      metric: metrics.get(row.metric) as string,
      rank: row.rank,
      buckets: bucketsOf(row),
    }));
  return { series, asOf: nowMs };
}

type BucketRow = Readonly<Record<keyof Buckets, number[]>>;

function bucketsOf({ step, stepLast, time, min, max, mean, last, count, nonFinite }: BucketRow): Buckets {
  const finite = (values: readonly number[]): (number | null)[] => values.map((value, i) => (count[i] === nonFinite[i] ? null : value));
  return { step, stepLast, time, min: finite(min), max: finite(max), mean: finite(mean), last: last.map(jsonFloat), count, nonFinite };
}
