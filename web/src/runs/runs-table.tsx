// The table of runs. The server sorts, by the address's order: a click on a column writes it there.

import type { Run } from "@gradwatch/server/api-types";
import type { ReactNode } from "react";
import { formatAge, formatDuration, formatNumber } from "../format.ts";
import { LevelBadge, RunStateBadge } from "../parts/badges.tsx";
import { useNow } from "../parts/use-now.ts";
import { Link, setSearchParameter } from "../router.tsx";
import { type RunRef, refKey, runHref } from "../routes.ts";
import { directionOf, lossOf, RUN_COLUMNS } from "./run-columns.ts";

interface RunsTableProps {
  readonly runs: readonly Run[];
  /** As the server has them sorted. */
  readonly sort: string;
  readonly selected: ReadonlyMap<string, RunRef>;
  readonly onToggle: (ref: RunRef) => void;
}

const ARROWS = { ascending: " ↑", descending: " ↓", none: "" } as const;

export function RunsTable({ runs, sort, selected, onToggle }: RunsTableProps): ReactNode {
  const now = useNow();
  const sortBy = (field: string): void => setSearchParameter("sort", directionOf(field, sort) === "ascending" ? `${field} desc` : field);
  return (
    <div className="scroll">
      <table className="runs" data-testid="runs-table">
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">Compare</span>
            </th>
            {RUN_COLUMNS.map(({ field, title, numeric }) => (
              <th key={field} scope="col" className={numeric ? "number" : undefined} aria-sort={directionOf(field, sort)}>
                <button type="button" className="sort" onClick={() => sortBy(field)}>
                  {title}
                  <span aria-hidden="true">{ARROWS[directionOf(field, sort)]}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <RunRow key={refKey(run)} run={run} now={now} selected={selected.has(refKey(run))} onToggle={onToggle} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RunRowProps {
  readonly run: Run;
  readonly now: number;
  readonly selected: boolean;
  readonly onToggle: (ref: RunRef) => void;
}

function RunRow({ run, now, selected, onToggle }: RunRowProps): ReactNode {
  const ref = { project: run.project, run: run.run };
  return (
    <tr data-testid="run-row" data-run={run.run} aria-selected={selected}>
      <td>
        <input type="checkbox" checked={selected} aria-label={`Compare ${run.name || run.run}`} onChange={() => onToggle(ref)} />
      </td>
      <th scope="row">
        <Link href={runHref(ref)}>{run.name || run.run}</Link>
        {run.pinned ? <span className="tag">pinned</span> : null}
        {run.tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
      </th>
      <td>{run.project}</td>
      <td>
        <RunStateBadge state={run.state} />
      </td>
      <td>
        <Alerts run={run} />
      </td>
      <td className="number">{run.stepMax ?? "–"}</td>
      <td className="number">{formatNumber(lossOf(run))}</td>
      <td className="number">{formatDuration((run.endedAt ?? (run.state === "running" ? now : run.updatedAt)) - run.createdAt)}</td>
      <td className="number" title={new Date(run.createdAt).toISOString()}>
        {formatAge(run.createdAt, now)}
      </td>
    </tr>
  );
}

function Alerts({ run: { incidents } }: { readonly run: Run }): ReactNode {
  if (incidents.worst !== null) {
    return (
      <>
        <LevelBadge level={incidents.worst} /> {incidents.firing} firing
      </>
    );
  }
  return incidents.total === 0 ? <span className="muted">none</span> : <span className="muted">{incidents.total} resolved</span>;
}
