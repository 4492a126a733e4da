// Several runs over each other: one chart a metric, one colour a run, and what their configurations differ in.

import { type ReactNode, useMemo, useState } from "react";
import { type StepRange, useMetrics, useRunDetails, useSeries } from "../api/queries.ts";
import { lineColor } from "../chart/color.ts";
import { groupMetrics } from "../chart/group-metrics.ts";
import { SeriesChart } from "../chart/series-chart.tsx";
import { ZoomFields } from "../chart/zoom-fields.tsx";
import { Failure, Loading } from "../parts/answer.tsx";
import { RunStateBadge } from "../parts/badges.tsx";
import { Link } from "../router.tsx";
import { type RunRef, refKey, runHref } from "../routes.ts";
import { useTheme } from "../theme.ts";
import { configDifferences } from "./config-differences.ts";

const BUCKETS_MAX = 400;

export function ComparePage({ refs }: { readonly refs: readonly RunRef[] }): ReactNode {
  const theme = useTheme();
  const [range, setRange] = useState<StepRange | undefined>(undefined);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const details = useRunDetails(refs);
  const metrics = useMetrics(refs);
  const names = [...new Set(metrics.flatMap(({ data }) => data?.map(({ name }) => name) ?? []))];
  const { series, pending } = useSeries(refs, names, range, BUCKETS_MAX);
  const nameOf = (ref: RunRef, i: number): string => details[i]?.data?.name || ref.run;

  const linesOf = useMemo(() => {
    const bySeries = Map.groupBy(series, (one) => `${refKey(one)} ${one.metric}`);
    return (metric: string) =>
      refs.flatMap((ref, i) => {
        const ranks = hidden.has(refKey(ref)) ? [] : (bySeries.get(`${refKey(ref)} ${metric}`) ?? []);
        return ranks.map(({ rank, buckets }) => ({
          label: `${ref.run}${ranks.length > 1 ? ` rank ${rank}` : ""}`,
          color: lineColor(i, theme),
          buckets,
        }));
      });
  }, [series, refs, hidden, theme]);

  if (refs.length === 0) {
    return (
      <p>
        No run is named in this address. Select runs in <Link href="/">the list</Link> and choose “Compare”.
      </p>
    );
  }
  const failure = details.find(({ error }) => error !== null)?.error;
  const toggle = (ref: RunRef): void => {
    const next = new Set(hidden);
    if (!next.delete(refKey(ref))) next.add(refKey(ref));
    setHidden(next);
  };
  return (
    <>
      <h1>Compare {refs.length} runs</h1>
      {failure === null || failure === undefined ? null : <Failure error={failure} />}
      <ul className="run-keys">
        {refs.map((ref, i) => (
          <li key={refKey(ref)}>
            <label>
              <input type="checkbox" checked={!hidden.has(refKey(ref))} onChange={() => toggle(ref)} />
              <svg viewBox="0 0 18 6" width="18" height="6" aria-hidden="true">
                <line x1="0" x2="18" y1="3" y2="3" stroke={lineColor(i, theme)} strokeWidth="3" />
              </svg>
              <span className="visually-hidden">Show </span>
              {nameOf(ref, i)}
            </label>{" "}
            <Link href={runHref(ref)} aria-label={`Open ${nameOf(ref, i)}`}>
              open
            </Link>{" "}
            {details[i]?.data === undefined ? null : <RunStateBadge state={details[i].data.state} />}
          </li>
        ))}
      </ul>
      <Differences names={refs.map(nameOf)} configs={details.map(({ data }) => data?.config ?? {})} />
      <div className="section-head">
        <h2>Metrics</h2>
        <ZoomFields range={range} onChange={setRange} />
      </div>
      {pending && series.length === 0 ? <Loading what="the metrics" /> : null}
      {groupMetrics(names).map((group) => (
        <section key={group.name} aria-label={group.name === "" ? "Ungrouped metrics" : `Metrics of ${group.name}`}>
          {group.name === "" ? null : <p className="group-name">{group.name}</p>}
          <div className="charts">
            {group.metrics.map((metric) => (
              <SeriesChart key={metric} metric={metric} lines={linesOf(metric)} range={range} onZoom={setRange} syncKey="compare" />
            ))}
          </div>
        </section>
      ))}
    </>
  );
}

function Differences({
  names,
  configs,
}: {
  readonly names: readonly string[];
  readonly configs: readonly Readonly<Record<string, unknown>>[];
}): ReactNode {
  const differences = configDifferences(configs);
  if (differences.length === 0) return <p className="muted">Their configurations do not differ.</p>;
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Differences of configuration">
      <table>
        <caption>What their configurations differ in</caption>
        <thead>
          <tr>
            <th scope="col">key</th>
            {names.map((name, i) => (
              // oxlint-disable-next-line react/no-array-index-key -- columns keep their order, names may repeat
              <th key={i} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {differences.map(({ key, values }) => (
            <tr key={key}>
              <th scope="row">{key}</th>
              {values.map((value, i) => (
                // oxlint-disable-next-line react/no-array-index-key -- as above
                <td key={i}>{value}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
