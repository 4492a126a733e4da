// Small labels for states and levels: always a word beside the colour.

import type { AlertLevel, IncidentState, RunState } from "@gradwatch/server/api-types";
import type { ReactNode } from "react";

export function LevelBadge({ level }: { readonly level: AlertLevel }): ReactNode {
  return <span className={`badge level-${level}`}>{level}</span>;
}

export function RunStateBadge({ state }: { readonly state: RunState }): ReactNode {
  return (
    <span className={`state state-${state}`}>
      <span className="dot" aria-hidden="true" />
      {state}
    </span>
  );
}

export function IncidentStateBadge({ state }: { readonly state: IncidentState }): ReactNode {
  return <span className={`badge incident-${state}`}>{state}</span>;
}
