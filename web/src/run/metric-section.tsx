// The curves of a run: one chart a metric, one line a rank, all over the same steps. Dragging over a chart zooms all of
// them and reads that stretch at full resolution; the fields above do the same for keyboards.

import type { Buckets } from "@gradwatch/server/api-types";
import { type ReactNode, useMemo, useState } from "react";
import { type StepRange, useMetrics, useRunAlerts, useSeries } from "../api/queries.ts";
import { lineColor } from "../chart/color.ts";
import { groupMetrics } from "../chart/group-metrics.ts";
import { overMetric } from "../chart/over-metric.ts";
import { SeriesChart } from "../chart/series-chart.tsx";
import { ZoomFields } from "../chart/zoom-fields.tsx";
import { Failure, Loading } from "../parts/answer.tsx";
import { type RunRef, refKey } from "../routes.ts";
import { useTheme } from "../theme.ts";

/** About one a pixel of a chart. */
export const BUCKETS_MAX = 500;

export function MetricSection({ of: ref }: { readonly of: RunRef }): ReactNode {
  const [range, setRange] = useState<StepRange | undefined>(undefined);
  const theme = useTheme();
  const refs = useMemo(() => [ref], [ref]);
  const [metrics] = useMetrics(refs);
  const names = useMemo(() => metrics?.data?.map(({ name }) => name) ?? [], [metrics?.data]);
  /** What is drawn over another metric, by name. */
  const axes = useMemo(
    () =>
      new Map(metrics?.data?.flatMap(({ name, stepMetric }) => (stepMetric === null || stepMetric === name ? [] : [[name, stepMetric]]))),
    [metrics?.data],
  );
  const { series, error } = useSeries(refs, names, range, BUCKETS_MAX);
  const alerts = useRunAlerts(ref);

  const onsets = useMemo(
    () =>
      alerts.data?.flatMap(({ onsetStep, level, title, state }) =>
        onsetStep === null || state === "pending" ? [] : [{ step: onsetStep, level, title }],
      ) ?? [],
    [alerts.data],
  );
  const lines = useMemo(() => {
    const byMetric = Map.groupBy(series, ({ metric }) => metric);
    return new Map(
      [...byMetric].map(([metric, ranks]) => [
        metric,
        ranks.map(({ rank, buckets }, i) => ({
          label: ranks.length > 1 ? `rank ${rank}` : "",
          color: lineColor(i, theme),
          buckets: placed(buckets, byMetric.get(axes.get(metric) ?? "")?.find((one) => one.rank === rank)?.buckets),
        })),
      ]),
    );
  }, [series, axes, theme]);

  const failure = metrics?.error ?? error;
  return (
    <section aria-labelledby="metrics-title">
      <div className="section-head">
        <h2 id="metrics-title">Metrics</h2>
        <ZoomFields range={range} onChange={setRange} />
      </div>
      {failure === null || names.length > 0 ? null : <Failure error={failure} />}
      {metrics?.data === undefined && failure === null ? <Loading what="the metrics" /> : null}
      {metrics?.data?.length === 0 ? <p className="muted">Nothing logged yet.</p> : null}
      {groupMetrics(names).map((group) => (
        <section key={group.name} aria-label={group.name === "" ? "Ungrouped metrics" : `Metrics of ${group.name}`}>
          {group.name === "" ? null : <p className="group-name">{group.name}</p>}
          <div className="charts">
            {group.metrics.map((metric) => (
              <SeriesChart
                key={metric}
                metric={metric}
                lines={lines.get(metric) ?? NO_LINES}
                onsets={axes.has(metric) ? NO_ONSETS : onsets}
                range={axes.has(metric) ? undefined : range}
                onZoom={axes.has(metric) ? stayAsItIs : setRange}
                syncKey={`${refKey(ref)} ${axes.get(metric) ?? ""}`}
                axis={axes.get(metric)}
              />
            ))}
          </div>
        </section>
      ))}
    </section>
  );
}

const NO_LINES: readonly [] = [];
const NO_ONSETS: readonly [] = [];
/** Steps are what is zoomed. */
const stayAsItIs = (): void => undefined;

const placed = (buckets: Buckets, axis: Buckets | undefined): Buckets => (axis === undefined ? buckets : overMetric(buckets, axis));
