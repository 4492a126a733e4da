// The error of each class over steps: which classes are learned late, or lost again.

import type { ClassRecords } from "@gradwatch/server/api-types";
import { type ReactNode, useMemo } from "react";
import { cellOf, rowHeightOf } from "../chart/cells.ts";
import { shareScale } from "../chart/color.ts";
import { NumberedRows, StepHeatmap } from "../chart/step-heatmap.tsx";
import { formatCount, formatShare } from "../format.ts";

export function ClassErrors({ records }: { readonly records: ClassRecords["records"] }): ReactNode {
  const classes = Math.max(0, ...records.map(({ classError }) => classError.length));
  const steps = useMemo(() => records.map(({ step }) => step), [records]);
  const errorAt = (one: number, column: number): number | null => records[column]?.classError[one] ?? null;
  const cells = useMemo(
    () => Array.from({ length: classes }, (_none, one) => records.map(({ classError }) => cellOf(classError[one] ?? null, shareScale))),
    [records, classes],
  );
  if (classes === 0) return <p className="muted">No error by class was logged.</p>;
  const [first, last] = [0, records.length - 1];
  const latest = Array.from({ length: classes }, (_none, one) => errorAt(one, last));
  const known = latest.filter((error) => error !== null);
  return (
    <div className="class-errors">
      <h3>Error by class</h3>
      <StepHeatmap
        testId="class-errors"
        cells={cells}
        steps={steps}
        rows={<NumberedRows rows={classes} name="class" />}
        rowHeight={rowHeightOf(classes)}
        title="share of wrong predictions"
        scale={shareScale}
        logarithmic={false}
        label={`Error of ${classes} classes at ${steps.length} steps; at the last step from ${formatShare(Math.min(1, ...known))} to ${formatShare(Math.max(0, ...known))}.`}
        textOf={(one, column) => `class ${one}, step ${formatCount(steps[column] ?? 0)}: ${wordsOf(errorAt(one, column))}`}
      >
        <details className="as-table">
          <summary>Show as table</summary>
          <div className="scroll" tabIndex={0} role="region" aria-label="Error by class, as table">
            <table>
              <thead>
                <tr>
                  <th scope="col">class</th>
                  <th scope="col">step {formatCount(steps[first] ?? 0)}</th>
                  <th scope="col">step {formatCount(steps[last] ?? 0)}</th>
                </tr>
              </thead>
              <tbody>
                {Array.from(latest.keys(), (one) => (
                  <tr key={one}>
                    <th scope="row">{one}</th>
                    <td>{formatShare(errorAt(one, first))}</td>
                    <td>{formatShare(errorAt(one, last))}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      </StepHeatmap>
    </div>
  );
}

const wordsOf = (error: number | null): string => (error === null ? "no sample" : `${formatShare(error)} wrong`);
