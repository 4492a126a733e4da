// Name, state and progress of a run, and what of its data never arrived.

import type { RunDetail } from "@gradwatch/server/api-types";
import type { ReactNode } from "react";
import { formatAge, formatCount, formatDuration, formatTime } from "../format.ts";
import { RunStateBadge } from "../parts/badges.tsx";
import { useNow } from "../parts/use-now.ts";
import { RunEdit } from "./run-edit.tsx";
import { Link } from "../router.tsx";
import { runHref } from "../routes.ts";

export function RunHeader({ run }: { readonly run: RunDetail }): ReactNode {
  const now = useNow();
  const name = run.name || run.run;
  const planned = run.facts["plannedSteps"];
  const plannedSteps = planned === undefined ? undefined : Number(planned);
  return (
    <header className="run-head">
      <p className="crumbs">
        <Link href="/">Runs</Link> / <Link href={`/?${new URLSearchParams({ project: run.project })}`}>{run.project}</Link>
      </p>
      <div className="page-head">
        <h1>{name}</h1>
        <RunStateBadge state={run.state} />
        {run.tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
      </div>
      {run.notes === "" ? null : <p>{run.notes}</p>}
      <RunEdit run={run} />
      {run.error === null ? null : <Failure error={run.error} stack={run.stack} />}
      <dl className="facts row">
        <Fact name="Step">
          {run.stepMax === null ? "–" : formatCount(run.stepMax)}
          {plannedSteps === undefined ? "" : ` of ${formatCount(plannedSteps)}`}
        </Fact>
        <Fact name={run.endedAt === null ? "Running for" : "Took"}>
          {formatDuration((run.endedAt ?? (run.state === "running" ? now : run.updatedAt)) - run.createdAt)}
        </Fact>
        <Fact name="Started">
          <time dateTime={new Date(run.createdAt).toISOString()}>{formatTime(run.createdAt)}</time>
        </Fact>
        <Fact name="Last sign of life">{formatAge(run.updatedAt, now)}</Fact>
        {run.ranks > 1 ? <Fact name="Ranks">{run.ranks}</Fact> : null}
        {run.forkedFrom === null ? null : (
          <Fact name="Forked from">
            <Link href={runHref({ project: run.project, run: run.forkedFrom.run })}>{run.forkedFrom.run}</Link> at step{" "}
            {formatCount(run.forkedFrom.step)}
          </Fact>
        )}
        {run.sessions.length > 1 ? <Fact name="Sessions">{run.sessions.length}</Fact> : null}
      </dl>
      {plannedSteps === undefined || run.stepMax === null || run.state !== "running" ? null : (
        <progress value={run.stepMax} max={Math.max(plannedSteps, 1)} aria-label={`Step ${run.stepMax} of ${plannedSteps}`} />
      )}
      {run.drops.length === 0 ? null : (
        <p className="failure">
          Logged but never arrived: {run.drops.map(({ reason, points }) => `${formatCount(points)} points (${reason})`).join(", ")}.
        </p>
      )}
    </header>
  );
}

function Failure({ error, stack }: { readonly error: string; readonly stack: string | null }): ReactNode {
  return (
    <div className="failure">
      <pre tabIndex={0}>{error}</pre>
      {stack === null ? null : (
        <details>
          <summary>Stack</summary>
          <pre tabIndex={0}>{stack}</pre>
        </details>
      )}
    </div>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
