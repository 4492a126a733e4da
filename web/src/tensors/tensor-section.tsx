// What a network's insides did: one statistic of all tensors of a kind over time as a heatmap, and of one tensor its units
// and its histogram over time.

import type { Tensor, TensorMatrix } from "@gradwatch/server/api-types";
import { type ReactNode, useState } from "react";
import { useHistograms, useMatrix, useTensors, useUnits } from "../api/queries.ts";
import { Answer } from "../parts/answer.tsx";
import { Choice } from "../parts/choice.tsx";
import type { RunRef } from "../routes.ts";
import { Heatmap } from "./heatmap.tsx";
import { Histograms } from "./histograms.tsx";
import { kindsOf, STATISTIC_TITLES, statisticOf, statisticsOf } from "./statistics.ts";
import { tensorId } from "./tensor-id.ts";
import { unitNameOf, UnitValues } from "./unit-values.tsx";

export function TensorSection({ of: ref }: { readonly of: RunRef }): ReactNode {
  const tensors = useTensors(ref);
  return (
    <section aria-labelledby="tensors-title">
      <h2 id="tensors-title">Tensors</h2>
      <Answer query={tensors} what="the tensors">
        {(all) =>
          all.length === 0 ? (
            <p className="muted">
              No summaries. gradwatchCallback() logs every layer’s gradients and weights; run.logTensor() logs any array.
            </p>
          ) : (
            <Tensors of={ref} tensors={all} />
          )
        }
      </Answer>
    </section>
  );
}

type Kind = Tensor["kind"];
type Statistic = TensorMatrix["statistic"];

function Tensors({ of: ref, tensors }: { readonly of: RunRef; readonly tensors: readonly Tensor[] }): ReactNode {
  const kinds = kindsOf(tensors);
  const [chosenKind, setKind] = useState<Kind | undefined>(undefined);
  const [chosenPhase, setPhase] = useState<Tensor["phase"] | undefined>(undefined);
  const [chosenStatistic, setStatistic] = useState<Statistic | undefined>(undefined);
  const [chosenId, setId] = useState<string | undefined>(undefined);
  const kind = chosenKind ?? kinds[0] ?? "gradient";
  const ofKind = tensors.filter((tensor) => tensor.kind === kind);
  const phases = [...new Set(ofKind.map(({ phase }) => phase))];
  const phase = pick(chosenPhase, phases) ?? pick("train", phases) ?? phases[0] ?? "none";
  const statistics = statisticsOf(kind);
  const statistic = statisticOf(kind, chosenStatistic);
  const shownHere = ofKind.filter((tensor) => tensor.phase === phase);
  const shown =
    shownHere.find((tensor) => tensorId(tensor) === chosenId) ?? shownHere.find(({ role }) => role === "kernel") ?? shownHere[0];
  const matrix = useMatrix(ref, kind, phase, statistic);
  return (
    <>
      <div className="filters">
        <Choice label="Kind" value={kind} options={kinds} onChange={setKind} />
        {phases.length > 1 ? <Choice label="Phase" value={phase} options={phases} onChange={setPhase} /> : null}
        <Choice label="Statistic" value={statistic} options={statistics} titleOf={(one) => STATISTIC_TITLES[one]} onChange={setStatistic} />
      </div>
      <Answer query={matrix} what="the heatmap">
        {(data) => (
          <Heatmap
            matrix={data}
            kind={kind}
            title={STATISTIC_TITLES[data.statistic]}
            selected={shown === undefined ? undefined : tensorId(shown)}
            onSelect={setId}
          />
        )}
      </Answer>
      {shown === undefined ? null : (
        <>
          <div className="filters">
            <Choice
              label="Tensor"
              value={tensorId(shown)}
              options={shownHere.map(tensorId)}
              titleOf={(id) => shownHere.find((tensor) => tensorId(tensor) === id)?.name ?? id}
              onChange={setId}
            />
          </div>
          <UnitsOf key={`${kind} ${tensorId(shown)}`} of={ref} tensor={shown} />
          <HistogramOf of={ref} tensor={shown} />
        </>
      )}
    </>
  );
}

const pick = <Item,>(wanted: Item | undefined, items: readonly Item[]): Item | undefined => items.find((item) => item === wanted);

function UnitsOf({ of: ref, tensor }: { readonly of: RunRef; readonly tensor: Tensor }): ReactNode {
  const unitName = unitNameOf(tensor);
  const units = useUnits(ref, tensor, unitName !== undefined);
  // Not every tensor of these kinds has them: no place is kept for what may not come.
  if (unitName === undefined || units.data === undefined || units.data.columns.length === 0) return null;
  return <UnitValues units={units.data} unitName={unitName} />;
}

function HistogramOf({ of: ref, tensor }: { readonly of: RunRef; readonly tensor: Tensor }): ReactNode {
  return (
    <Answer query={useHistograms(ref, tensor)} what="the histograms">
      {(histograms) => <Histograms histograms={histograms} />}
    </Answer>
  );
}
