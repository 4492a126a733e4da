// What is drawn over a chart's lines: a red tick at the foot for every bucket with NaN or Inf, and a dashed line at the
// first bad step of each alert.

import type uPlot from "uplot";
import type { NonFiniteMark } from "./align-series.ts";
import type { Theme } from "./color.ts";

export interface OnsetMarker {
  readonly step: number;
  readonly level: "info" | "warn" | "high" | "critical";
  readonly title: string;
}

const NON_FINITE = { light: "#c22b2b", dark: "#ff6b6b" } as const;
const LEVELS = {
  light: { info: "#2f6fed", warn: "#a86500", high: "#c22b2b", critical: "#c22b2b" },
  dark: { info: "#7aa7ff", warn: "#f0b429", high: "#ff6b6b", critical: "#ff6b6b" },
} as const;

const TICK_HEIGHT = 9;
const TICK_WIDTH = 2;

export function drawMarks(chart: uPlot, marks: readonly (readonly NonFiniteMark[])[], onsets: readonly OnsetMarker[], theme: Theme): void {
  const { ctx, bbox } = chart;
  const ratio = bbox.width / Math.max(chart.over.clientWidth, 1);
  const inside = (x: number): boolean => x >= bbox.left - 1 && x <= bbox.left + bbox.width + 1;
  ctx.save();
  ctx.fillStyle = NON_FINITE[theme];
  for (const { step } of marks.flat()) {
    const x = chart.valToPos(step, "x", true);
    if (inside(x))
      ctx.fillRect(x - (TICK_WIDTH * ratio) / 2, bbox.top + bbox.height - TICK_HEIGHT * ratio, TICK_WIDTH * ratio, TICK_HEIGHT * ratio);
  }
  ctx.lineWidth = 1.5 * ratio;
  ctx.setLineDash([4 * ratio, 3 * ratio]);
  for (const { step, level } of onsets) {
    const x = chart.valToPos(step, "x", true);
    if (!inside(x)) continue;
    ctx.strokeStyle = LEVELS[theme][level];
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
