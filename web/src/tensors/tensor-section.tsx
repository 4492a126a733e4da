// Weights and gradients of a run: one statistic of all layers over time as a heatmap, and one tensor's histogram over time.

import type { Tensor, TensorMatrix } from "@gradwatch/server/api-types";
import { type ReactNode, useState } from "react";
import { useHistograms, useMatrix, useTensors } from "../api/queries.ts";
import { Answer } from "../parts/answer.tsx";
import type { RunRef } from "../routes.ts";
import { Heatmap } from "./heatmap.tsx";
import { Histograms } from "./histograms.tsx";

const STATISTICS: readonly { readonly id: TensorMatrix["statistic"]; readonly title: string }[] = [
  { id: "norm", title: "L2 norm" },
  { id: "std", title: "standard deviation" },
  { id: "mean", title: "mean" },
  { id: "min", title: "minimum" },
  { id: "max", title: "maximum" },
  { id: "zero-share", title: "share of zeros" },
  { id: "non-finite", title: "non-finite elements" },
];

/** The kinds that are shown first, if the run has them. */
const KINDS_FIRST: readonly Tensor["kind"][] = ["gradient", "weight", "activation"];

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

function Tensors({ of: ref, tensors }: { readonly of: RunRef; readonly tensors: readonly Tensor[] }): ReactNode {
  const kinds = [
    ...new Set([...KINDS_FIRST.filter((kind) => tensors.some((tensor) => tensor.kind === kind)), ...tensors.map(({ kind }) => kind)]),
  ];
  const [chosenKind, setKind] = useState<string | undefined>(undefined);
  const [statistic, setStatistic] = useState<TensorMatrix["statistic"]>("norm");
  const [chosenName, setName] = useState<string | undefined>(undefined);
  const kind = chosenKind ?? kinds[0] ?? "gradient";
  const ofKind = tensors.filter((tensor) => tensor.kind === kind);
  const shown = ofKind.find(({ name }) => name === chosenName) ?? ofKind.find(({ role }) => role === "kernel") ?? ofKind[0];
  const matrix = useMatrix(ref, kind, statistic);
  return (
    <>
      <div className="filters">
        <label>
          <span>Kind</span>
          <select value={kind} onChange={(event) => setKind(event.target.value)}>
            {kinds.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          <span>Statistic</span>
          <select value={statistic} onChange={(event) => setStatistic(event.target.value as TensorMatrix["statistic"])}>
            {STATISTICS.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Answer query={matrix} what="the heatmap">
        {(data) => (
          <Heatmap
            matrix={data}
            kind={kind}
            title={STATISTICS.find(({ id }) => id === data.statistic)?.title ?? data.statistic}
            selected={shown?.name}
            onSelect={setName}
          />
        )}
      </Answer>
      {shown === undefined ? null : (
        <>
          <div className="filters">
            <label>
              <span>Histogram of</span>
              <select value={shown.name} onChange={(event) => setName(event.target.value)}>
                {ofKind.map(({ name, phase }) => (
                  <option key={`${phase} ${name}`}>{name}</option>
                ))}
              </select>
            </label>
          </div>
          <HistogramOf of={ref} tensor={shown} />
        </>
      )}
    </>
  );
}

function HistogramOf({ of: ref, tensor }: { readonly of: RunRef; readonly tensor: Tensor }): ReactNode {
  return (
    <Answer query={useHistograms(ref, tensor)} what="the histograms">
      {(histograms) => <Histograms histograms={histograms} />}
    </Answer>
  );
}
