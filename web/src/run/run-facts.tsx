// What is known about a run beside its numbers: hyper-parameters, facts of task and network, machine, checkpoints.

import type { RunDetail } from "@gradwatch/server/api-types";
import type { ReactNode } from "react";
import { formatTime, formatValue } from "../format.ts";

export function RunFacts({ run }: { readonly run: RunDetail }): ReactNode {
  return (
    <section aria-labelledby="facts-title" className="columns">
      <h2 id="facts-title">About this run</h2>
      <Values title="Configuration" values={run.config} empty="None was given to init()." />
      <Values title="Task and network" values={run.facts} empty="None; run.describe() tells the rules more." />
      <Values title="Machine" values={run.environment} empty="Unknown." />
      <div>
        <h3>Checkpoints</h3>
        {run.checkpoints.length === 0 ? (
          <p className="muted">None; run.checkpoint() lets an alert name the last good one.</p>
        ) : (
          <ul>
            {run.checkpoints.map(({ step, path, time }) => (
              <li key={`${step} ${path}`}>
                step {step}: <code>{path}</code> <span className="muted">{formatTime(time)}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

interface ValuesProps {
  readonly title: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly empty: string;
}

function Values({ title, values, empty }: ValuesProps): ReactNode {
  const entries = Object.entries(values);
  return (
    <div>
      <h3>{title}</h3>
      {entries.length === 0 ? (
        <p className="muted">{empty}</p>
      ) : (
        <dl className="facts">
          {entries.map(([key, value]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>
                <Value value={value} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

/** Longer text than this is folded away. */
const TEXT_MAX = 80;

function Value({ value }: { readonly value: unknown }): ReactNode {
  const text = formatValue(value);
  if (text.length <= TEXT_MAX) return text;
  const what = Array.isArray(value) ? `${value.length} entries` : `${text.slice(0, 24)} …`;
  return (
    <details>
      <summary>{what}</summary>
      <pre tabIndex={0}>{typeof value === "string" ? value : JSON.stringify(value, null, 1)}</pre>
    </details>
  );
}
