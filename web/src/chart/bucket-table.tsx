// The numbers behind a chart, as a table that is made when it is opened.

import type { Buckets } from "@gradwatch/server/api-types";
import { type ReactNode, useState } from "react";
import { formatCount, formatNumber } from "../format.ts";

/** Rows shown of each line: the newest. */
const ROWS_MAX = 200;

interface BucketTableProps {
  readonly lines: readonly { readonly label: string; readonly buckets: Buckets }[];
  readonly axis: string;
}

export function BucketTable({ lines, axis }: BucketTableProps): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <details className="as-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Show as table</summary>
      {open ? lines.map(({ label, buckets }) => <LineTable key={label} label={label} buckets={buckets} axis={axis} />) : null}
    </details>
  );
}

function LineTable({ label, buckets, axis }: { readonly label: string; readonly buckets: Buckets; readonly axis: string }): ReactNode {
  const rows = buckets.step.map((step, i) => ({ step, i })).slice(-ROWS_MAX);
  const hidden = buckets.step.length - rows.length;
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={`Numbers${label === "" ? "" : ` of ${label}`}`}>
      <table>
        <caption>
          {label} {hidden > 0 ? `(the last ${ROWS_MAX} of ${formatCount(buckets.step.length)} buckets; zoom in for others)` : ""}
        </caption>
        <thead>
          <tr>
            {[axis, "mean", "min", "max", "last", "points", "non-finite"].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ step, i }) => (
            <tr key={step}>
              <td>{step}</td>
              <td>{formatNumber(buckets.mean[i])}</td>
              <td>{formatNumber(buckets.min[i])}</td>
              <td>{formatNumber(buckets.max[i])}</td>
              <td>{formatNumber(buckets.last[i])}</td>
              <td>{buckets.count[i]}</td>
              <td>{buckets.nonFinite[i]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
