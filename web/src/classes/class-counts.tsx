// How often each class was the label and how often it was predicted, side by side: a class that is never predicted, or
// predicted for everything, stands out.

import type { ClassRecords } from "@gradwatch/server/api-types";
import type { ReactNode } from "react";
import { formatCount, formatShare } from "../format.ts";

interface ClassCountsProps {
  readonly record: ClassRecords["records"][number];
  readonly classes: number;
}

export function ClassCounts({ record: { step, labelCounts, predictionCounts, classError }, classes }: ClassCountsProps): ReactNode {
  const most = Math.max(1, ...labelCounts, ...predictionCounts);
  return (
    <div className="class-counts" data-testid="class-counts">
      <h3>Labels and predictions at step {formatCount(step)}</h3>
      <div className="scroll" tabIndex={0} role="region" aria-label={`Labels and predictions at step ${step}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">class</th>
              <th scope="col">labels</th>
              <th scope="col">predictions</th>
              <th scope="col">error</th>
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: classes }, (_none, one) => (
              <tr key={one}>
                <th scope="row">{one}</th>
                <Count count={labelCounts[one]} most={most} />
                <Count count={predictionCounts[one]} most={most} />
                <td className="number">{formatShare(classError[one] ?? null)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Count({ count, most }: { readonly count: number | undefined; readonly most: number }): ReactNode {
  return (
    <td className="bar-cell">
      <span className="bar" aria-hidden="true" style={{ width: `${((count ?? 0) / most) * 100}%` }} />
      <span>{count === undefined ? "–" : formatCount(count)}</span>
    </td>
  );
}
