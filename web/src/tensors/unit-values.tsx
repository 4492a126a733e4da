// One tensor unit by unit over time: the share of each time step in a recurrent state's gradient, mean and deviation of each
// input channel.

import type { Tensor, TensorUnits } from "@gradwatch/server/api-types";
import { type ReactNode, useMemo, useState } from "react";
import { rowHeightOf } from "../chart/cells.ts";
import { NumberedRows, StepHeatmap } from "../chart/step-heatmap.tsx";
import { formatCount, formatNumber, formatShare } from "../format.ts";
import { layOutUnits, sharesOf, type UnitView } from "./unit-layout.ts";

/** Kinds whose units have a meaning one by one. */
const UNIT_NAMES: Readonly<Partial<Record<Tensor["kind"], string>>> = {
  "state-gradient": "time step",
  input: "channel",
  output: "unit",
  label: "unit",
  custom: "unit",
};
export const unitNameOf = ({ kind }: Tensor): string | undefined => UNIT_NAMES[kind];

const TITLES: Readonly<Record<UnitView, string>> = { share: "share of the gradient", mean: "mean", std: "standard deviation" };

export function UnitValues({ units, unitName }: { readonly units: TensorUnits; readonly unitName: string }): ReactNode {
  const { tensor, columns } = units;
  const isState = tensor.kind === "state-gradient";
  const views: readonly UnitView[] = isState ? ["share", "mean", "std"] : ["mean", "std"];
  const [view, setView] = useState<UnitView>(isState ? "share" : "mean");
  const { cells, scale, logarithmic, values } = useMemo(() => layOutUnits(units, view), [units, view]);
  const steps = useMemo(() => columns.map(({ step }) => step), [columns]);
  const shown = (value: number | null | undefined): string =>
    value === null || value === undefined ? "–" : view === "share" ? formatShare(value) : formatNumber(value);
  const last = columns.at(-1);
  return (
    <section aria-label={`${tensor.name} by ${unitName}`}>
      <div className="filters">
        <span className="muted">By {unitName}</span>
        {views.map((one) => (
          <button key={one} type="button" className="quiet" aria-pressed={one === view} onClick={() => setView(one)}>
            {TITLES[one]}
          </button>
        ))}
      </div>
      <StepHeatmap
        testId="unit-heatmap"
        cells={cells}
        steps={steps}
        rows={<NumberedRows rows={units.units} name={unitName} />}
        rowHeight={rowHeightOf(units.units)}
        title={TITLES[view]}
        scale={scale}
        logarithmic={logarithmic}
        label={`${TITLES[view]} of ${tensor.name} by ${unitName}, ${units.units} of them, at ${steps.length} steps, from ${formatNumber(scale.min)} to ${formatNumber(scale.max)}.`}
        textOf={(unit, column) => `${unitName} ${unit}, step ${formatCount(steps[column] ?? 0)}: ${shown(values[column]?.[unit])}`}
      >
        {isState && last !== undefined ? <HowFarBack last={last} /> : null}
        <UnitTable units={units} unitName={unitName} />
      </StepHeatmap>
    </section>
  );
}

function HowFarBack({ last }: { readonly last: TensorUnits["columns"][number] }): ReactNode {
  const shares = sharesOf(last);
  return (
    <p className="summary" data-testid="how-far-back">
      At step {formatCount(last.step)} the first time step has <strong>{formatShare(shares[0] ?? null)}</strong> of the gradient, the last{" "}
      <strong>{formatShare(shares.at(-1) ?? null)}</strong>.
    </p>
  );
}

function UnitTable({ units: { tensor, units, columns }, unitName }: { readonly units: TensorUnits; readonly unitName: string }): ReactNode {
  const [first, last] = [columns[0], columns.at(-1)];
  if (first === undefined || last === undefined) return null;
  return (
    <details className="as-table">
      <summary>Show as table</summary>
      <div className="scroll" tabIndex={0} role="region" aria-label={`${tensor.name} by ${unitName}, as table`}>
        <table>
          <thead>
            <tr>
              <th scope="col">{unitName}</th>
              <th scope="col">mean (step {first.step})</th>
              <th scope="col">deviation</th>
              <th scope="col">mean (step {last.step})</th>
              <th scope="col">deviation</th>
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: units }, (_none, unit) => (
              <tr key={unit}>
                <th scope="row">{unit}</th>
                {[first, last].flatMap(({ step, means, stds }) => [
                  <td key={`mean ${step}`}>{formatNumber(means[unit])}</td>,
                  <td key={`std ${step}`}>{formatNumber(stds[unit])}</td>,
                ])}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
