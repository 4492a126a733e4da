// One statistic of every tensor of a kind over time: rows from the input side to the output, columns are steps. Row names
// are buttons that choose the histogram below.

import type { Float, TensorMatrix } from "@gradwatch/server/api-types";
import { type PointerEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { viridis } from "../chart/color.ts";
import { formatCount, formatNumber } from "../format.ts";
import { useWidth } from "../parts/use-width.ts";
import { type Theme } from "../chart/color.ts";
import { useTheme } from "../theme.ts";
import { cellAt, columnSpan, type HeatmapLayout, layOutHeatmap } from "./heatmap-layout.ts";

interface HeatmapProps {
  readonly matrix: TensorMatrix;
  readonly kind: string;
  readonly title: string;
  readonly selected: string | undefined;
  readonly onSelect: (name: string) => void;
}

const ROW_HEIGHT = 20;
const EMPTY = { light: "#f1f3f6", dark: "#1d232c" } as const;
const NON_FINITE = { light: "#d32f2f", dark: "#ff5252" } as const;

export function Heatmap({ matrix, kind, title, selected, onSelect }: HeatmapProps): ReactNode {
  const theme = useTheme();
  const [box, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const layout = useMemo(() => layOutHeatmap(matrix), [matrix]);
  const [pointed, setPointed] = useState("");
  const { rows, steps } = matrix;
  const height = rows.length * ROW_HEIGHT;

  useEffect(() => {
    if (canvas.current !== null && width > 0) drawHeatmap(canvas.current, layout, width, height, theme);
  }, [layout, width, height, theme]);

  const point = ({ nativeEvent: { offsetX, offsetY } }: PointerEvent): void => {
    const cell = cellAt(offsetX, offsetY, width, ROW_HEIGHT, rows.length, steps.length);
    setPointed(cell === undefined ? "" : cellText(matrix, cell.row, cell.column));
  };
  const label = `${title} of ${kind}s of ${rows.length} tensors at ${steps.length} steps, from ${formatNumber(layout.scale.min)} to ${formatNumber(layout.scale.max)}; ${layout.nonFinite} cells hold NaN or Inf.`;
  return (
    <figure
      className="heatmap"
      data-testid="heatmap"
      data-rows={rows.length}
      data-columns={steps.length}
      data-non-finite={layout.nonFinite}
    >
      <div className="heatmap-grid">
        <ul className="heatmap-rows">
          {rows.map(({ tensor: { name } }) => (
            <li key={name}>
              <button type="button" className="quiet" title={name} aria-pressed={name === selected} onClick={() => onSelect(name)}>
                {name}
              </button>
            </li>
          ))}
        </ul>
        <div ref={box} className="heatmap-canvas">
          <canvas ref={canvas} role="img" aria-label={label} onPointerMove={point} onPointerLeave={() => setPointed("")} />
          <div className="heatmap-steps muted" aria-hidden="true">
            <span>step {steps[0] ?? ""}</span>
            <span>{steps.at(-1) ?? ""}</span>
          </div>
        </div>
      </div>
      <figcaption>
        <Legend layout={layout} title={title} />
        <span className="muted" aria-hidden="true">
          {pointed}
        </span>
      </figcaption>
      <LatestTable matrix={matrix} title={title} />
    </figure>
  );
}

function Legend({
  layout: { scale, logarithmic, nonFinite },
  title,
}: {
  readonly layout: HeatmapLayout;
  readonly title: string;
}): ReactNode {
  return (
    <span className="legend">
      <span>
        {title}
        {logarithmic ? " (log scale)" : ""}: {formatNumber(scale.min)}
      </span>
      <span className="ramp" aria-hidden="true" />
      <span>{formatNumber(scale.max)}</span>
      {nonFinite > 0 ? (
        <span>
          <span className="non-finite-key" aria-hidden="true" /> NaN or Inf
        </span>
      ) : null}
    </span>
  );
}

function LatestTable({ matrix: { rows, steps }, title }: { readonly matrix: TensorMatrix; readonly title: string }): ReactNode {
  return (
    <details className="as-table">
      <summary>Show as table</summary>
      <div className="scroll" tabIndex={0} role="region" aria-label={`${title} by tensor`}>
        <table>
          <thead>
            <tr>
              <th scope="col">tensor</th>
              <th scope="col">first</th>
              <th scope="col">last (step {steps.at(-1)})</th>
              <th scope="col">first step with NaN or Inf</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ tensor: { name }, values, nonFinite }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{formatNumber(firstOf(values))}</td>
                <td>{formatNumber(firstOf(values.toReversed()))}</td>
                <td>{steps[nonFinite.findIndex((count) => count > 0)] ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

const firstOf = (values: readonly (Float | null)[]): Float | null => values.find((value) => value !== null) ?? null;

function cellText({ rows, steps }: TensorMatrix, row: number, column: number): string {
  const { tensor, values, nonFinite } = rows[row] as TensorMatrix["rows"][number];
  const bad = nonFinite[column] ?? 0;
  const value = values[column] ?? null;
  const text = value === null ? "nothing logged" : formatNumber(value);
  return `${tensor.name}, step ${formatCount(steps[column] ?? 0)}: ${text}${bad > 0 ? `, ${formatCount(bad)} elements NaN or Inf` : ""}`;
}

function drawHeatmap(canvas: HTMLCanvasElement, { cells }: HeatmapLayout, width: number, height: number, theme: Theme): void {
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const rowHeight = canvas.height / Math.max(cells.length, 1);
  cells.forEach((row, i) => {
    const top = Math.round(i * rowHeight);
    const cellHeight = Math.round((i + 1) * rowHeight) - top - 1;
    row.forEach((cell, column) => {
      const [left, cellWidth] = columnSpan(column, row.length, canvas.width);
      context.fillStyle =
        cell.kind === "empty" ? EMPTY[theme] : cell.kind === "non-finite" ? NON_FINITE[theme] : `rgb(${viridis(cell.share).join()})`;
      context.fillRect(left, top, cellWidth, cellHeight);
      if (cell.kind === "non-finite") hatch(context, left, top, cellWidth, cellHeight);
    });
  });
}

/** Told apart without colour, too. */
function hatch(context: CanvasRenderingContext2D, left: number, top: number, width: number, height: number): void {
  context.fillStyle = "rgba(255, 255, 255, 0.55)";
  context.fillRect(left, top + Math.floor(height / 3), width, 1);
  context.fillRect(left, top + Math.floor((2 * height) / 3), width, 1);
}
