// A confusion matrix: a row a label, a column a prediction. Numbers are counts, colours are shares of the row, so that a
// rare class is as plain as a frequent one. Above 16 classes the counts are in the words of the cells only.

import { type CSSProperties, type ReactNode, useMemo, useState } from "react";
import { textOn, viridis } from "../chart/color.ts";
import { formatCount, formatShare } from "../format.ts";
import { type Confusion, emphasis, layOutConfusion } from "./confusion-layout.ts";

interface ConfusionMatrixProps {
  readonly confusion: { readonly step: number; readonly counts: readonly (readonly number[])[] };
}

/** Counts of more classes would not be readable. */
const COUNTED_MAX = 16;
/** CSS pixels that a dense matrix is wide, and its cells at least. */
const DENSE_WIDTH = 640;
const CELL_MIN = 11;
/** Of a dense matrix only some columns are named: there is no room for more. */
const NAMED_EVERY = 4;

export function ConfusionMatrix({ confusion: { step, counts } }: ConfusionMatrixProps): ReactNode {
  const layout = useMemo(() => layOutConfusion(counts), [counts]);
  const [pointed, setPointed] = useState("");
  const numbers = Array.from(counts.keys());
  const isDense = counts.length > COUNTED_MAX;
  return (
    <figure className={isDense ? "confusion dense" : "confusion"} data-testid="confusion" data-classes={counts.length} data-step={step}>
      <h3>Confusion at step {formatCount(step)}</h3>
      <p className="summary">{inWords(layout)}</p>
      <div className="scroll" tabIndex={0} role="region" aria-label={`Confusion at step ${step}`}>
        <table className="cells" style={isDense ? cellSize(counts.length) : undefined} onPointerLeave={() => setPointed("")}>
          <thead>
            <tr>
              <th scope="col">label \ predicted</th>
              {numbers.map((prediction) => (
                <th key={prediction} scope="col">
                  {isDense && prediction % NAMED_EVERY > 0 ? <span className="visually-hidden">{prediction}</span> : prediction}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {numbers.map((label) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {numbers.map((prediction) => {
                  const count = counts[label]?.[prediction] ?? 0;
                  const text = `label ${label} predicted as ${prediction}: ${formatCount(count)}, ${formatShare(layout.shares[label]?.[prediction] ?? null)} of the label`;
                  return (
                    <td key={prediction} style={lookOf(count, layout.shares[label]?.[prediction])} onPointerEnter={() => setPointed(text)}>
                      {isDense ? <span className="visually-hidden">{count}</span> : formatCount(count)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <figcaption>
        <span className="legend">
          <span>share of the label (square root scale): 0</span>
          <span className="ramp" aria-hidden="true" />
          <span>100 %</span>
        </span>
        <span className="muted" aria-hidden="true">
          {pointed}
        </span>
      </figcaption>
    </figure>
  );
}

const cellSize = (classes: number): CSSProperties =>
  ({ "--cell": `${Math.max(CELL_MIN, Math.floor(DENSE_WIDTH / classes))}px` }) as CSSProperties;

/** Cells where nothing was counted keep the page's own look. */
function lookOf(count: number, share: number | null | undefined): { background: string; color: string } | undefined {
  if (count === 0 || share === null || share === undefined) return undefined;
  const background = viridis(emphasis(share));
  return { background: `rgb(${background.join()})`, color: textOn(background) };
}

function inWords({ samples, right, worst }: Confusion): string {
  if (samples === 0) return "No sample was counted.";
  const share = `${formatShare(right / samples)} of ${formatCount(samples)} samples right.`;
  if (worst === undefined) return share;
  return `${share} Most often wrong: label ${worst.label} predicted as ${worst.prediction}, ${formatCount(worst.count)} times, ${formatShare(worst.share)} of the label.`;
}
