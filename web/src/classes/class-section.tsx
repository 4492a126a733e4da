// What a classifier gets right and wrong: the confusion and the counts of one step, and the error of each class over steps.

import type { ClassRecords } from "@gradwatch/server/api-types";
import { type ReactNode, useState } from "react";
import { useClasses } from "../api/queries.ts";
import { formatCount } from "../format.ts";
import { Failure } from "../parts/answer.tsx";
import { Choice } from "../parts/choice.tsx";
import type { RunRef } from "../routes.ts";
import { ClassCounts } from "./class-counts.tsx";
import { ClassErrors } from "./class-errors.tsx";
import { ConfusionMatrix } from "./confusion-matrix.tsx";

export function ClassSection({ of: ref }: { readonly of: RunRef }): ReactNode {
  /** "": the server's choice. */
  const [phase, setPhase] = useState("");
  const [rank, setRank] = useState(0);
  const classes = useClasses(ref, { phase, rank });
  // Most runs have none: no heading for nothing.
  if (classes.data === undefined || classes.data.phases.length === 0) return null;
  const { phase: shown, phases } = classes.data;
  const ranks = phases.find((one) => one.phase === shown)?.ranks ?? [];
  return (
    <section aria-labelledby="classes-title" data-testid="classes">
      <h2 id="classes-title">Classes</h2>
      <div className="filters">
        {phases.length > 1 ? <Choice label="Phase" value={shown} options={phases.map((one) => one.phase)} onChange={setPhase} /> : null}
        {ranks.length > 1 ? (
          <Choice label="Rank" value={String(rank)} options={ranks.map(String)} onChange={(one) => setRank(Number(one))} />
        ) : null}
      </div>
      {classes.data.records.length === 0 ? (
        <p className="muted">Rank {rank} logged none in this phase.</p>
      ) : (
        <Classes key={`${shown} ${rank}`} of={ref} classes={classes.data} />
      )}
    </section>
  );
}

function Classes({ of: ref, classes }: { readonly of: RunRef; readonly classes: ClassRecords }): ReactNode {
  const { phase, rank, records, total } = classes;
  /** Undefined: the newest, whichever that is by now. */
  const [chosen, setChosen] = useState<number | undefined>(undefined);
  const last = records.length - 1;
  const index = chosen === undefined ? last : Math.min(chosen, last);
  const record = records[index] as ClassRecords["records"][number];
  const ofStep = useClasses(ref, { phase, rank, step: record.step }, chosen !== undefined);
  const confusion = chosen === undefined ? classes.confusion : ofStep.data?.confusion;
  return (
    <>
      {records.length < 2 ? null : (
        <label className="step-slider">
          <span className="muted">Step {formatCount(record.step)}</span>
          <input
            type="range"
            min={0}
            max={last}
            value={index}
            aria-label="Step of the class records"
            aria-valuetext={`step ${record.step}`}
            onChange={(event) => setChosen(Number(event.target.value) === last ? undefined : Number(event.target.value))}
          />
        </label>
      )}
      {ofStep.error === null ? null : <Failure error={ofStep.error} retry={() => void ofStep.refetch()} />}
      <div className="classes">
        {confusion === null || confusion === undefined ? (
          <p className="muted">No confusion was logged at this step.</p>
        ) : (
          <ConfusionMatrix confusion={confusion} />
        )}
        <ClassCounts record={record} classes={classes.classes} />
      </div>
      <ClassErrors records={records} />
      {total > records.length ? (
        <p className="muted">
          {formatCount(records.length)} of {formatCount(total)} records are shown, evenly picked.
        </p>
      ) : null}
    </>
  );
}
