// One alert: what is wrong, since when, how that is known, and what to try.

import type { Incident } from "@gradwatch/server/api-types";
import type { ReactNode } from "react";
import { formatNumber, formatTime } from "../format.ts";
import { IncidentStateBadge, LevelBadge } from "../parts/badges.tsx";
import { EvidenceChart } from "./evidence-chart.tsx";

interface AlertCardProps {
  readonly incident: Incident;
  /** The run's name as a link, where the card does not stand on the run's page. */
  readonly runLink?: ReactNode;
}

export function AlertCard({ incident, runLink }: AlertCardProps): ReactNode {
  const { id, rule, state, level, title, message, advice, rank, evidence, lastCheckpoint } = incident;
  return (
    <article
      id={`incident-${id}`}
      className={`alert level-edge-${level} ${state}`}
      data-testid="alert-card"
      data-rule={rule}
      data-state={state}
      aria-labelledby={`title-${id}`}
      tabIndex={-1}
    >
      <header>
        <LevelBadge level={level} />
        <h3 id={`title-${id}`}>{title}</h3>
        <IncidentStateBadge state={state} />
        {runLink}
        <span className="muted rule">
          {rule} · {incident.subject}
          {rank === null ? "" : ` · rank ${rank}`}
        </span>
      </header>
      <p className="message">{message}</p>
      <div className="alert-body">
        <div>
          <Facts incident={incident} />
          {evidence.ruledOut.length > 0 ? <p className="muted">Ruled out: {evidence.ruledOut.join("; ")}.</p> : null}
        </div>
        {evidence.window === null ? null : (
          <EvidenceChart window={evidence.window} onsetStep={incident.onsetStep} firingStep={incident.firingStep} />
        )}
        <div>
          {advice.length === 0 && lastCheckpoint === null ? null : <h4>What to try</h4>}
          <ul className="advice">
            {advice.map((one) => (
              <li key={one}>{one}</li>
            ))}
            {lastCheckpoint === null ? null : (
              <li>
                Last checkpoint before the onset: step {lastCheckpoint.step}, <code>{lastCheckpoint.path}</code>
              </li>
            )}
          </ul>
        </div>
      </div>
    </article>
  );
}

function Facts({ incident }: { readonly incident: Incident }): ReactNode {
  const { statistic, topTensors, batchIds } = incident.evidence;
  const steps = [
    ["First bad step", incident.onsetStep],
    ["Reported at step", incident.firingStep],
    ["Over at step", incident.resolvedStep],
  ] as const;
  return (
    <dl className="facts">
      {steps.map(([name, step]) =>
        step === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{step}</dd>
          </div>
        ),
      )}
      {incident.rule === "user-alert" ? null : (
        <div>
          <dt>{statistic.name}</dt>
          <dd>
            {formatNumber(statistic.value)} <span className="muted">(threshold {formatNumber(statistic.threshold)})</span>
          </dd>
        </div>
      )}
      {topTensors.length === 0 ? null : (
        <div>
          <dt>Largest tensors</dt>
          <dd>{topTensors.map(({ name, value }) => `${name} ${formatNumber(value)}`).join(", ")}</dd>
        </div>
      )}
      {batchIds.length === 0 ? null : (
        <div>
          <dt>Batches</dt>
          <dd>{batchIds.join(", ")}</dd>
        </div>
      )}
      <div>
        <dt>Opened</dt>
        <dd>
          {formatTime(incident.openedAt)}
          {incident.openings > 1 ? `, came back ${incident.openings - 1} ×` : ""}
        </dd>
      </div>
    </dl>
  );
}
