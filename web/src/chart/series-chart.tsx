// One chart: lines of buckets over steps. The canvas is for the eyes; beside it stand a sentence that says the same and a
// table with the numbers.

import type { Buckets } from "@gradwatch/server/api-types";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import type { StepRange } from "../api/queries.ts";
import { useWidth } from "../parts/use-width.ts";
import { useTheme } from "../theme.ts";
import { type Aligned, alignSeries, isBucketed } from "./align-series.ts";
import { BucketTable } from "./bucket-table.tsx";
import { chartOptions, columnOf } from "./chart-options.ts";
import { describeChart } from "./describe-chart.ts";
import { drawMarks, type OnsetMarker } from "./marks.ts";
import { readoutAt } from "./readout.ts";
import { allPositive, usualScale, type YScale } from "./y-range.ts";

export interface ChartLine {
  readonly label: string;
  readonly color: string;
  readonly buckets: Buckets;
}

interface SeriesChartProps {
  readonly metric: string;
  readonly lines: readonly ChartLine[];
  readonly onsets?: readonly OnsetMarker[];
  /** What the x axis shows; undefined: everything. */
  readonly range?: StepRange | undefined;
  readonly onZoom: (range: StepRange) => void;
  readonly syncKey: string;
  readonly height?: number;
  /** A metric that is on the x axis instead of the step: such a chart has no onsets and is not zoomed with the others. */
  readonly axis?: string | undefined;
}

const NO_ONSETS: readonly OnsetMarker[] = [];

export function SeriesChart({
  metric,
  lines,
  onsets = NO_ONSETS,
  range,
  onZoom,
  syncKey,
  height = 190,
  axis = "step",
}: SeriesChartProps): ReactNode {
  const [wanted, setWanted] = useState<YScale | undefined>(undefined);
  const aligned = useMemo(() => alignSeries(lines.map(({ buckets }) => buckets)), [lines]);
  const extremes = useMemo(() => aligned.series.flatMap(({ min, max }) => [...min, ...max]), [aligned]);
  const canLog = allPositive(extremes);
  const yScale = canLog ? (wanted ?? usualScale(extremes)) : "linear";
  const nonFinite = aligned.marks.reduce((sum, marks) => sum + marks.length, 0);
  const description = describeChart(metric, lines, axis);
  return (
    <figure
      className="chart"
      data-testid="chart"
      data-metric={metric}
      data-axis={axis}
      data-points={lines.reduce((sum, { buckets }) => sum + buckets.step.length, 0)}
      data-non-finite={nonFinite}
      data-step-max={lines.reduce((max, { buckets }) => Math.max(max, buckets.stepLast.at(-1) ?? -1), -1)}
    >
      <figcaption>
        <h3 title={metric}>
          {metric}
          {axis === "step" ? null : <span className="muted"> over {axis}</span>}
        </h3>
        {nonFinite > 0 ? <span className="badge level-critical">NaN or Inf</span> : null}
        <button
          type="button"
          className="quiet"
          aria-pressed={yScale === "log"}
          aria-label={`log scale of ${metric}`}
          disabled={!canLog}
          title={canLog ? "Logarithmic y axis" : "A logarithmic axis needs positive values"}
          onClick={() => setWanted(yScale === "log" ? "linear" : "log")}
        >
          log
        </button>
      </figcaption>
      <div role="img" aria-label={description}>
        <Canvas {...{ lines, aligned, onsets, range, onZoom, syncKey, height, yScale, axis }} />
      </div>
      <BucketTable lines={lines} axis={axis} />
    </figure>
  );
}

interface CanvasProps extends Required<Pick<SeriesChartProps, "lines" | "onsets" | "onZoom" | "syncKey" | "height">> {
  readonly aligned: Aligned;
  readonly range: StepRange | undefined;
  readonly yScale: YScale;
  readonly axis: string;
}

function Canvas({ lines, aligned, onsets, range, onZoom, syncKey, height, yScale, axis }: CanvasProps): ReactNode {
  const theme = useTheme();
  const [box, width] = useWidth<HTMLDivElement>();
  const readout = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  // What uPlot's hooks read when they run, which may be long after the chart was made.
  const shown = useRef({ lines, aligned, onsets, onZoom, axis });
  shown.current = { lines, aligned, onsets, onZoom, axis };

  const looks = lines.map(({ label, color, buckets }) => ({ label, color, bucketed: isBucketed(buckets) }));
  const isSized = width > 0;
  const structure = JSON.stringify([looks, yScale, theme, height, syncKey, axis]);

  useEffect(() => {
    if (box.current === null || !isSized) return;
    const reactions = {
      zoomed: (from: number, to: number) => shown.current.onZoom({ from: Math.ceil(from), to: Math.max(Math.ceil(from), Math.floor(to)) }),
      pointed: (plot: uPlot) => showReadout(plot, readout.current, shown.current),
      drawn: (plot: uPlot) => drawMarks(plot, shown.current.aligned.marks, shown.current.onsets, theme),
    };
    const plot = new uPlot(
      chartOptions({ width, height, lines: looks, yScale, theme, syncKey, overSteps: axis === "step" }, reactions),
      dataOf(shown.current.aligned),
      box.current,
    );
    chart.current = plot;
    return () => {
      chart.current = null;
      plot.destroy();
    };
    // oxlint-disable-next-line react/exhaustive-deps -- `structure` stands for looks, which are new objects every time
  }, [structure, isSized]);

  useEffect(() => {
    if (width > 0) chart.current?.setSize({ width, height });
  }, [width, height]);

  useEffect(() => {
    const plot = chart.current;
    if (plot === null) return;
    plot.setData(dataOf(aligned), false);
    plot.setScale("x", xRange(aligned.steps, range));
  }, [aligned, range, structure, isSized]);

  return (
    <div className="canvas" ref={box}>
      <div className="readout" ref={readout} aria-hidden="true" />
    </div>
  );
}

function dataOf({ steps, series }: Aligned): uPlot.AlignedData {
  return [steps, ...series.flatMap(({ mean, min, max }) => [mean, min, max])] as uPlot.AlignedData;
}

function xRange(steps: readonly number[], range: StepRange | undefined): { min: number; max: number } {
  const min = range?.from ?? steps[0] ?? 0;
  const max = Math.min(range?.to ?? Number.POSITIVE_INFINITY, steps.at(-1) ?? 1);
  return max > min ? { min, max } : { min: min - 1, max: max + 1 };
}

function showReadout(
  plot: uPlot,
  element: HTMLDivElement | null,
  { lines, onsets, axis }: { lines: readonly ChartLine[]; onsets: readonly OnsetMarker[]; axis: string },
): void {
  if (element === null) return;
  const { idx, left } = plot.cursor;
  if (idx === null || idx === undefined || left === undefined || left < 0) {
    element.replaceChildren();
    return;
  }
  const step = plot.data[0][idx] as number;
  const near = onsets.filter((onset) => Math.abs(plot.valToPos(onset.step, "x") - left) < 5);
  element.replaceChildren(
    ...readoutAt(step, lines, near, (line) => plot.data[columnOf(line, "mean")]?.[idx], axis).map(({ text, color }) => {
      const row = document.createElement("div");
      row.textContent = text;
      row.style.color = color ?? "";
      return row;
    }),
  );
}
