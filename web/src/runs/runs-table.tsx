// The table of runs. Sorting orders what is loaded; ties and the start keep the API's order, newest first.

import type { Run } from "@gradwatch/server/api-types";
import { type ReactNode, useState } from "react";
import { formatAge, formatDuration, formatNumber } from "../format.ts";
import { LevelBadge, RunStateBadge } from "../parts/badges.tsx";
import { useNow } from "../parts/use-now.ts";
import { Link } from "../router.tsx";
import { type RunRef, refKey, runHref } from "../routes.ts";
import { lossOf, type RunSort, type SortKey, sortRuns } from "./sort-runs.ts";

interface RunsTableProps {
  readonly runs: readonly Run[];
  readonly selected: ReadonlyMap<string, RunRef>;
  readonly onToggle: (ref: RunRef) => void;
}

const COLUMNS: readonly { readonly key: SortKey; readonly title: string; readonly numeric?: true }[] = [
  { key: "name", title: "Run" },
  { key: "project", title: "Project" },
  { key: "state", title: "State" },
  { key: "alerts", title: "Alerts" },
  { key: "step", title: "Step", numeric: true },
  { key: "loss", title: "Loss", numeric: true },
  { key: "duration", title: "Duration", numeric: true },
  { key: "started", title: "Started", numeric: true },
];

export function RunsTable({ runs, selected, onToggle }: RunsTableProps): ReactNode {
  const [sort, setSort] = useState<RunSort | undefined>(undefined);
  const now = useNow();
  const sortBy = (key: SortKey): void => setSort({ key, descending: sort?.key === key ? !sort.descending : false });
  return (
    <div className="scroll">
      <table className="runs" data-testid="runs-table">
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">Compare</span>
            </th>
            {COLUMNS.map(({ key, title, numeric }) => (
              <th
                key={key}
                scope="col"
                className={numeric ? "number" : undefined}
                aria-sort={sort?.key === key ? (sort.descending ? "descending" : "ascending") : "none"}
              >
                <button type="button" className="sort" onClick={() => sortBy(key)}>
                  {title}
                  <span aria-hidden="true">{sort?.key === key ? (sort.descending ? " ↓" : " ↑") : ""}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sortRuns(runs, sort, now).map((run) => (
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
