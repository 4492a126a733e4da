// Aggregates of a run's metrics: of the points that there are, and of those that expired, as they were sealed. A metric that is
// logged again after it expired is summarised from its points.

import { aggregates as aggregateNames } from "../filter/tree.ts";
import { metricAggregates } from "../storage/queries/run-summaries.ts";
import { sealedMetrics, type SealedMetrics } from "../storage/queries/sealed-metrics.ts";
import { sessionCuts } from "../storage/queries/session-cut.ts";
import type { Store } from "../storage/store.ts";

/** Metrics kept for one run: those that tell most. */
const metricsPerRunMax = 1_000;

export interface MetricSummary {
  readonly stepMax: number | null;
  /** By name, those that tell most first; numbers in the order of the filter language's aggregates, absent ones NaN. */
  readonly metrics: ReadonlyMap<string, readonly number[]>;
}

export async function metricSummaries(
  runs: readonly bigint[],
  { store, signal }: { readonly store: Store; readonly signal: AbortSignal },
): Promise<Map<bigint, MetricSummary>> {
  const keys = [...runs];
  const [sealed, cuts] = await Promise.all([store.read(sealedMetrics, { runs: keys }, { signal }), sessionCuts(store, keys, signal)]);
  const days = { sealed_runs: sealed.map(({ run }) => run), sealed_days: sealed.map(({ day }) => day) };
  const current = await store.read(metricAggregates, { runs: keys, metrics_per_run: metricsPerRunMax, ...days, ...cuts }, { signal });
  const summaries = new Map<bigint, MetricSummary>();
  for (const row of [...sealed, ...current]) {
    const before = summaries.get(row.run);
    const metrics = new Map([...(before?.metrics ?? []), ...metricsOf(row)].slice(0, metricsPerRunMax));
    const stepMax = Math.max(before?.stepMax ?? -Infinity, row.step_max ?? -Infinity);
    summaries.set(row.run, { stepMax: Number.isFinite(stepMax) ? stepMax : null, metrics });
  }
  return summaries;
}

function metricsOf(row: Omit<SealedMetrics, "run" | "day" | "step_max">): [string, number[]][] {
  return row.names.map((name, i) => {
    const isFinite = row.count[i] !== row.nonfinite[i];
    const ofFinite = new Set<string>(["min", "max", "argmin", "argmax"]);
    return [name, aggregateNames.map((aggregate) => (!isFinite && ofFinite.has(aggregate) ? Number.NaN : (row[aggregate][i] as number)))];
  });
}

/** Columns of numbers by aggregate, as the engine reads them. */
export const aggregateColumns = (rows: readonly (readonly number[])[], prefix = ""): Record<string, unknown> =>
  Object.fromEntries(aggregateNames.map((aggregate, i) => [`${prefix}${aggregate}`, rows.map((row) => engineFloat(row[i] as number))]));

/** JSON for the engine: it reads non-finite numbers by these names, and JSON.stringify would drop the sign of zero. */
export function engineFloat(value: number): number | string {
  if (Object.is(value, -0)) return "-0";
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}
