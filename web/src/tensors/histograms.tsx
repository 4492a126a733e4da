// How the values of one tensor are distributed over time: ridges, oldest behind, and the numbers of the last one.

import type { TensorHistograms } from "@gradwatch/server/api-types";
import { type ReactNode, useMemo } from "react";
import { formatCount, formatNumber } from "../format.ts";
import { layOutRidges, type Ridge } from "./histogram-layout.ts";

const WIDTH = 640;
const RIDGE_HEIGHT = 46;
const OFFSET = 9;

export function Histograms({ histograms }: { readonly histograms: TensorHistograms }): ReactNode {
  const { tensor, columns, edges } = histograms;
  const ridges = useMemo(() => layOutRidges(histograms), [histograms]);
  const last = columns.at(-1);
  const height = RIDGE_HEIGHT + OFFSET * Math.max(ridges.length - 1, 0) + 2;
  const bad = columns.filter(({ nonFinite }) => nonFinite > 0);
  const label = `Histograms of ${tensor.name} at ${columns.length} steps, values from ${formatNumber(edges[0])} to ${formatNumber(edges.at(-1))}.`;
  const hasHistograms = columns.some(({ counts }) => counts.some((count) => count > 0));
  return (
    <figure className="histograms" data-testid="histograms" data-columns={columns.length}>
      {hasHistograms ? (
        <>
          <div className="ridges">
            <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={label}>
              {ridges.map((ridge, i) => (
                <path
                  key={ridge.step}
                  className={ridge.nonFinite > 0 ? "ridge non-finite" : "ridge"}
                  d={ridgePath(ridge, RIDGE_HEIGHT + i * OFFSET)}
                  fillOpacity={0.35 + (0.6 * (i + 1)) / ridges.length}
                >
                  <title>step {ridge.step}</title>
                </path>
              ))}
            </svg>
            <ol className="ridge-steps muted" aria-hidden="true">
              <li>step {ridges[0]?.step}</li>
              <li>step {ridges.at(-1)?.step}</li>
            </ol>
          </div>
          <div className="ridge-axis muted" aria-hidden="true">
            <span>{formatNumber(edges[0])}</span>
            <span>{formatNumber(edges.at(-1))}</span>
          </div>
        </>
      ) : (
        <p className="muted">Only moments were logged, no histogram.</p>
      )}
      {last === undefined ? null : (
        <figcaption>
          {tensor.name} [{tensor.shape.join(" × ")}], step {formatCount(last.step)}: mean {formatNumber(last.mean)}, standard deviation{" "}
          {formatNumber(last.std)}, {formatNumber(last.min)} to {formatNumber(last.max)}, norm {formatNumber(last.norm)};{" "}
          {formatCount(last.zero)} of {formatCount(last.count)} elements are 0
          {last.nonFinite > 0 ? `, ${formatCount(last.nonFinite)} are NaN or Inf` : ""}.
          {bad.length > 0 ? <strong> NaN or Inf from step {formatCount(bad[0]?.step ?? 0)}.</strong> : null}
        </figcaption>
      )}
    </figure>
  );
}

function ridgePath({ heights }: Ridge, base: number): string {
  const width = WIDTH / Math.max(heights.length, 1);
  const points = heights.map((share, i) => `L${((i + 0.5) * width).toFixed(1)} ${(base - share * (RIDGE_HEIGHT - 2)).toFixed(1)}`);
  return `M0 ${base}${points.join("")}L${WIDTH} ${base}Z`;
}
