// The picture of a heatmap: cells on a canvas as wide as its place, and the words for the cell under the pointer.

import { type PointerEvent, type ReactNode, useEffect, useRef } from "react";
import { useWidth } from "../parts/use-width.ts";
import { useTheme } from "../theme.ts";
import { cellAt, type Cells, columnSpan } from "./cells.ts";
import { type Theme, viridis } from "./color.ts";

interface CellCanvasProps {
  readonly cells: Cells;
  readonly columns: number;
  /** CSS pixels. */
  readonly rowHeight: number;
  /** The picture in a sentence. */
  readonly label: string;
  readonly textOf: (row: number, column: number) => string;
  /** "" when the pointer has left. */
  readonly onPoint: (text: string) => void;
}

const EMPTY = { light: "#f1f3f6", dark: "#1d232c" } as const;
const NON_FINITE = { light: "#d32f2f", dark: "#ff5252" } as const;
/** Rows that are lower touch each other. */
const GAP_FROM = 8;

export function CellCanvas({ cells, columns, rowHeight, label, textOf, onPoint }: CellCanvasProps): ReactNode {
  const theme = useTheme();
  const [box, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current !== null && width > 0) drawCells(canvas.current, cells, width, rowHeight, theme);
  }, [cells, width, rowHeight, theme]);

  const point = ({ nativeEvent: { offsetX, offsetY } }: PointerEvent): void => {
    const cell = cellAt(offsetX, offsetY, width, rowHeight, cells.length, columns);
    onPoint(cell === undefined ? "" : textOf(cell.row, cell.column));
  };
  return (
    <div ref={box}>
      <canvas ref={canvas} role="img" aria-label={label} onPointerMove={point} onPointerLeave={() => onPoint("")} />
    </div>
  );
}

function drawCells(canvas: HTMLCanvasElement, cells: Cells, width: number, rowHeight: number, theme: Theme): void {
  const ratio = window.devicePixelRatio;
  const height = cells.length * rowHeight;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const deviceRow = canvas.height / Math.max(cells.length, 1);
  cells.forEach((row, i) => {
    const top = Math.round(i * deviceRow);
    const cellHeight = Math.round((i + 1) * deviceRow) - top - (rowHeight < GAP_FROM ? 0 : 1);
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
