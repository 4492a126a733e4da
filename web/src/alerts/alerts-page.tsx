// All alerts of the team, newest first, filtered by address.

import type { ReactNode } from "react";
import { useAlerts, useProjects, useRules } from "../api/queries.ts";
import { Failure, Loading } from "../parts/answer.tsx";
import { Link, setSearchParameter, usePlace } from "../router.tsx";
import { runHref } from "../routes.ts";
import { AlertCard } from "./alert-card.tsx";

const STATES = ["pending", "firing", "resolved"];

export function AlertsPage(): ReactNode {
  const parameters = new URLSearchParams(usePlace().search);
  const filter = { project: parameters.get("project") ?? "", state: parameters.get("state") ?? "", rule: parameters.get("rule") ?? "" };
  const alerts = useAlerts(filter);
  const projects = useProjects();
  const rules = useRules();
  const incidents = alerts.data?.pages.flatMap((page) => page.incidents);
  return (
    <>
      <div className="page-head">
        <h1>Alerts</h1>
        <form className="filters" role="search" onSubmit={(event) => event.preventDefault()}>
          <Choice name="project" value={filter.project} options={projects.data?.map(({ name }) => name) ?? []} />
          <Choice name="state" value={filter.state} options={STATES} />
          <Choice name="rule" value={filter.rule} options={rules.data?.map(({ id }) => id) ?? []} />
        </form>
      </div>
      {incidents === undefined ? (
        alerts.error === null ? (
          <Loading what="the alerts" />
        ) : (
          <Failure error={alerts.error} retry={() => void alerts.refetch()} />
        )
      ) : incidents.length === 0 ? (
        <p className="muted">No alert matches. That is good news, or a narrow filter.</p>
      ) : (
        incidents.map((incident) => (
          <AlertCard
            key={incident.id}
            incident={incident}
            runLink={<Link href={`${runHref(incident)}#incident-${incident.id}`}>{`${incident.project} / ${incident.run}`}</Link>}
          />
        ))
      )}
      {alerts.hasNextPage ? (
        <button type="button" className="more" disabled={alerts.isFetchingNextPage} onClick={() => void alerts.fetchNextPage()}>
          Older alerts
        </button>
      ) : null}
    </>
  );
}

function Choice({
  name,
  value,
  options,
}: {
  readonly name: string;
  readonly value: string;
  readonly options: readonly string[];
}): ReactNode {
  return (
    <label>
      <span>{name[0]?.toUpperCase() + name.slice(1)}</span>
      <select value={value} onChange={(event) => setSearchParameter(name, event.target.value)}>
        <option value="">all</option>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
}
