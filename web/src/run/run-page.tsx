// Everything about one run, most urgent first: alerts, then curves, then classes, tensors and images, then console and facts.

import { type ReactNode, useEffect } from "react";
import { useRun, useRunAlerts } from "../api/queries.ts";
import { AlertCard } from "../alerts/alert-card.tsx";
import { ClassSection } from "../classes/class-section.tsx";
import { Answer } from "../parts/answer.tsx";
import { usePlace } from "../router.tsx";
import type { RunRef } from "../routes.ts";
import { TensorSection } from "../tensors/tensor-section.tsx";
import { ConsoleSection } from "./console-section.tsx";
import { ImageSection } from "./image-section.tsx";
import { MetricSection } from "./metric-section.tsx";
import { RankTable } from "./rank-table.tsx";
import { RulesTable } from "./rules-table.tsx";
import { RunFacts } from "./run-facts.tsx";
import { RunHeader } from "./run-header.tsx";
import { RunRequests } from "./run-requests.tsx";

export function RunPage({ of: ref }: { readonly of: RunRef }): ReactNode {
  const run = useRun(ref);
  return (
    <Answer query={run} what="the run">
      {(detail) => (
        <>
          <RunHeader run={detail} />
          <RunRequests of={ref} isRunning={detail.state === "running"} />
          <Alerts of={ref} />
          <MetricSection of={ref} />
          <ClassSection of={ref} />
          <TensorSection of={ref} />
          <ImageSection of={ref} />
          <RankTable run={detail} />
          <ConsoleSection of={ref} ranks={detail.ranks} />
          <RulesTable of={ref} />
          <RunFacts run={detail} />
        </>
      )}
    </Answer>
  );
}

function Alerts({ of: ref }: { readonly of: RunRef }): ReactNode {
  const alerts = useRunAlerts(ref);
  const { hash } = usePlace();
  const known = alerts.data?.length ?? 0;
  useEffect(() => {
    // The browser looked for the anchor before the alert was there.
    if (known > 0 && hash.startsWith("#incident-")) document.getElementById(hash.slice(1))?.focus();
  }, [hash, known]);
  return (
    <section aria-labelledby="alerts-title">
      <h2 id="alerts-title">Alerts</h2>
      <Answer query={alerts} what="the alerts">
        {(incidents) =>
          incidents.length === 0 ? (
            <p className="muted">None. What the rules look at, and what they lack, stands under Rules below.</p>
          ) : (
            [...incidents].sort(byUrgency).map((incident) => <AlertCard key={incident.id} incident={incident} />)
          )
        }
      </Answer>
    </section>
  );
}

const LEVELS = { critical: 0, high: 1, warn: 2, info: 3 } as const;
const STATES = { firing: 0, pending: 1, resolved: 2 } as const;

type Urgent = { readonly level: keyof typeof LEVELS; readonly state: keyof typeof STATES; readonly onsetStep: number | null };

/** What still fires, the worst, and what began first. */
const byUrgency = (a: Urgent, b: Urgent): number =>
  STATES[a.state] - STATES[b.state] || LEVELS[a.level] - LEVELS[b.level] || (a.onsetStep ?? 0) - (b.onsetStep ?? 0);
