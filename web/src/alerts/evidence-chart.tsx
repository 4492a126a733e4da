// The window of values that made a rule speak, with the first bad step marked.

import type { Evidence } from "@gradwatch/server/api-types";
import type { ReactNode } from "react";
import { formatNumber } from "../format.ts";
import { HEIGHT, layOutEvidence, WIDTH } from "./evidence-layout.ts";

interface EvidenceChartProps {
  readonly window: NonNullable<Evidence["window"]>;
  readonly onsetStep: number | null;
  readonly firingStep: number | null;
}

export function EvidenceChart({ window, onsetStep, firingStep }: EvidenceChartProps): ReactNode {
  const { path, nonFinite, onset, logarithmic, min, max } = layOutEvidence(window, onsetStep, firingStep);
  const from = window.steps[0];
  const to = window.steps.at(-1);
  const bad = nonFinite.length === 0 ? "" : `, ${nonFinite.length} not finite`;
  const label = `${window.series} from step ${from} to ${to}: ${formatNumber(min)} to ${formatNumber(max)}${bad}`;
  return (
    <figure className="evidence">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {onset === null ? null : <rect className="since-onset" x={onset} y={0} width={WIDTH - onset} height={HEIGHT} />}
        <path d={path} vectorEffect="non-scaling-stroke" />
        {nonFinite.map((x) => (
          <line key={x} className="non-finite" x1={x} x2={x} y1={HEIGHT - 8} y2={HEIGHT} vectorEffect="non-scaling-stroke" />
        ))}
      </svg>
      <figcaption className="muted">
        {window.series}, steps {from}–{to}, {formatNumber(min)} to {formatNumber(max)}
        {bad}
        {logarithmic ? ", log scale" : ""}
      </figcaption>
    </figure>
  );
}
