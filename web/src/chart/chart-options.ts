// How a chart looks and behaves, in uPlot's terms. Columns come in threes, one three a line: mean, minimum, maximum. The
// band between the extremes is drawn wherever buckets hold several points, so that a spike of one step is seen at any zoom.

import uPlot from "uplot";
import { formatNumber } from "../format.ts";
import { type Column, isolatedPoints } from "./align-series.ts";
import type { Theme } from "./color.ts";
import { linearRange, logRange, logTicks, type YScale } from "./y-range.ts";

export interface Line {
  readonly label: string;
  readonly color: string;
  /** Several points a bucket: the band is drawn. */
  readonly bucketed: boolean;
}

export interface ChartLook {
  readonly width: number;
  readonly height: number;
  readonly lines: readonly Line[];
  readonly yScale: YScale;
  readonly theme: Theme;
  /** Charts with the same key share their cursor. */
  readonly syncKey: string;
  /** The x axis has steps, and no places between them. */
  readonly overSteps: boolean;
}

export interface ChartReactions {
  readonly zoomed: (from: number, to: number) => void;
  readonly pointed: (chart: uPlot) => void;
  readonly drawn: (chart: uPlot) => void;
}

const AXIS_COLORS = { light: { text: "#5b6472", grid: "#e8ebf0" }, dark: { text: "#9aa4b2", grid: "#262c36" } } as const;
const FONT = "11px system-ui, sans-serif";
const BAND_ALPHA = "33";
/** Pixels of drag below which it was a click. */
const DRAG_MIN = 6;

export const columnOf = (line: number, part: "mean" | "min" | "max"): number => 1 + line * 3 + { mean: 0, min: 1, max: 2 }[part];

export function chartOptions(look: ChartLook, reactions: ChartReactions): uPlot.Options {
  const { width, height, lines, yScale, theme, syncKey, overSteps } = look;
  const axis = { stroke: AXIS_COLORS[theme].text, font: FONT, grid: { stroke: AXIS_COLORS[theme].grid, width: 1 }, ticks: { show: false } };
  return {
    width,
    height,
    legend: { show: false },
    padding: [10, 8, 0, 0],
    cursor: { sync: { key: syncKey, setSeries: false }, drag: { x: true, y: false, dist: DRAG_MIN }, points: { size: 6 } },
    scales: {
      x: { time: false },
      y:
        yScale === "log"
          ? { distr: 3, range: (_chart, min, max) => logRange(min, max) }
          : { range: (_chart, min, max) => linearRange(min, max) },
    },
    axes: [
      {
        ...axis,
        size: 28,
        values: (_chart, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? shortStep(tick) : overSteps ? "" : formatNumber(tick))),
      },
      {
        ...axis,
        size: 58,
        ...(yScale === "log"
          ? {
              splits: (_chart: uPlot, _axis: number, min: number, max: number) => logTicks(min, max),
              filter: (_chart: uPlot, ticks: number[]) => ticks,
            }
          : {}),
        values: (_chart, ticks) => ticks.map((tick) => (tick === null ? "" : formatNumber(tick))),
      },
    ],
    series: [{}, ...lines.flatMap(seriesOf)],
    bands: lines.flatMap(({ bucketed, color }, i) =>
      bucketed ? [{ series: [columnOf(i, "max"), columnOf(i, "min")] as [number, number], fill: color + BAND_ALPHA }] : [],
    ),
    hooks: {
      setSelect: [
        (chart) => {
          if (chart.select.width < DRAG_MIN) return;
          const { left, width: selected } = chart.select;
          reactions.zoomed(chart.posToVal(left, "x"), chart.posToVal(left + selected, "x"));
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      setCursor: [reactions.pointed],
      draw: [reactions.drawn],
    },
  };
}

function seriesOf({ label, color, bucketed }: Line): uPlot.Series[] {
  const edge: uPlot.Series = {
    show: true,
    stroke: bucketed ? color + BAND_ALPHA : "transparent",
    width: bucketed ? 1 : 0,
    points: { show: false },
  };
  return [
    { label, stroke: color, width: 1.5, points: { show: true, filter: lonePoints, size: 5, fill: color } },
    { ...edge, label: `${label} minimum` },
    { ...edge, label: `${label} maximum` },
  ];
}

/** Points that no line reaches would not be seen. */
function lonePoints(chart: uPlot, series: number): number[] {
  return isolatedPoints(chart.data[series] as Column);
}

function shortStep(step: number): string {
  if (Math.abs(step) >= 1e6) return `${Number((step / 1e6).toPrecision(4))}M`;
  return Math.abs(step) >= 1e4 ? `${Number((step / 1e3).toPrecision(4))}k` : String(step);
}
