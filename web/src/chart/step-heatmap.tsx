// A heatmap over steps: names of rows on the left, cells, the scale of the colours, and the words for the cell under the
// pointer. What stands below, a table of the numbers for instance, is the caller's.

import { type ReactNode, useState } from "react";
import { formatCount, formatNumber } from "../format.ts";
import { CellCanvas } from "./cell-canvas.tsx";
import { type Cells, ROW_HEIGHT, rowHeightOf } from "./cells.ts";
import type { Scale } from "./color.ts";

interface StepHeatmapProps {
  readonly testId: string;
  readonly cells: Cells;
  /** One a column. */
  readonly steps: readonly number[];
  /** Names of the rows: a list with one item a row where rows are this high, else only the first and the last are shown. */
  readonly rows: ReactNode;
  /** CSS pixels. */
  readonly rowHeight?: number;
  readonly title: string;
  readonly scale: Scale;
  readonly logarithmic: boolean;
  /** The picture in a sentence. */
  readonly label: string;
  readonly textOf: (row: number, column: number) => string;
  readonly children?: ReactNode;
}

export function StepHeatmap(props: StepHeatmapProps): ReactNode {
  const { testId, cells, steps, rows, rowHeight = ROW_HEIGHT, title, scale, logarithmic, label, textOf, children } = props;
  const [pointed, setPointed] = useState("");
  const nonFinite = cells.flat().filter(({ kind }) => kind === "non-finite").length;
  return (
    <figure className="heatmap" data-testid={testId} data-rows={cells.length} data-columns={steps.length} data-non-finite={nonFinite}>
      <div className="heatmap-grid">
        {rows}
        <div className="heatmap-canvas">
          <CellCanvas cells={cells} columns={steps.length} rowHeight={rowHeight} label={label} textOf={textOf} onPoint={setPointed} />
          <div className="heatmap-steps muted" aria-hidden="true">
            <span>step {formatCount(steps[0] ?? 0)}</span>
            <span>{formatCount(steps.at(-1) ?? 0)}</span>
          </div>
        </div>
      </div>
      <figcaption>
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
        <span className="muted" aria-hidden="true">
          {pointed}
        </span>
      </figcaption>
      {children}
    </figure>
  );
}

/** Rows that are lower cannot hold their name. */
const NAMED_FROM = 14;

/** Names of rows that are numbered: each where there is room, else the first and the last. */
export function NumberedRows({ rows, name }: { readonly rows: number; readonly name: string }): ReactNode {
  const height = rowHeightOf(rows);
  const all = Array.from({ length: rows }, (_none, row) => row);
  const shown = height >= NAMED_FROM ? all : rows > 1 ? [0, rows - 1] : all;
  return (
    <ul className="numbered-rows muted" style={{ height: height * rows }}>
      {shown.map((row) => (
        <li key={row}>
          {name} {row}
        </li>
      ))}
    </ul>
  );
}
