// One statistic of every tensor of a kind over time: rows from the input side to the output, columns are steps. Row names
// are buttons that choose the tensor below.

import type { Float, TensorMatrix } from "@gradwatch/server/api-types";
import { type ReactNode, useMemo } from "react";
import { StepHeatmap } from "../chart/step-heatmap.tsx";
import { formatCount, formatNumber } from "../format.ts";
import { DeadUnits } from "./dead-units.tsx";
import { layOutHeatmap } from "./heatmap-layout.ts";
import { tensorId } from "./tensor-id.ts";

interface HeatmapProps {
  readonly matrix: TensorMatrix;
  readonly kind: string;
  readonly title: string;
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}

export function Heatmap({ matrix, kind, title, selected, onSelect }: HeatmapProps): ReactNode {
  const { cells, scale, logarithmic, nonFinite } = useMemo(() => layOutHeatmap(matrix), [matrix]);
  const { rows, steps, statistic } = matrix;
  return (
    <StepHeatmap
      testId="heatmap"
      cells={cells}
      steps={steps}
      title={title}
      scale={scale}
      logarithmic={logarithmic}
      label={`${title} of ${kind}s of ${rows.length} tensors at ${steps.length} steps, from ${formatNumber(scale.min)} to ${formatNumber(scale.max)}; ${nonFinite} cells hold NaN or Inf.`}
      textOf={(row, column) => cellText(matrix, row, column)}
      rows={
        <ul className="heatmap-rows">
          {rows.map(({ tensor }) => (
            <li key={tensorId(tensor)}>
              <button
                type="button"
                className="quiet"
                title={tensor.name}
                aria-pressed={tensorId(tensor) === selected}
                onClick={() => onSelect(tensorId(tensor))}
              >
                {tensor.name}
              </button>
            </li>
          ))}
        </ul>
      }
    >
      {statistic === "dead-unit-share" ? <DeadUnits matrix={matrix} /> : null}
      <LatestTable matrix={matrix} title={title} />
    </StepHeatmap>
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
            {rows.map(({ tensor, values, nonFinite }) => (
              <tr key={tensorId(tensor)}>
                <th scope="row">{tensor.name}</th>
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
