// The first page: every run of the team, newest first, with what fires now. Filters live in the address, so that a list
// can be sent to a colleague.

import { type ReactNode, useState } from "react";
import { useProjects, useRuns } from "../api/queries.ts";
import { Failure, Loading } from "../parts/answer.tsx";
import { Link, setSearchParameter, usePlace } from "../router.tsx";
import { compareHref, type RunRef, refKey } from "../routes.ts";
import { FirstRun } from "./first-run.tsx";
import { RunsTable } from "./runs-table.tsx";

const STATES = ["running", "finished", "failed", "crashed", "killed", "preempted"];

export function RunsPage(): ReactNode {
  const parameters = new URLSearchParams(usePlace().search);
  const filter = { project: parameters.get("project") ?? "", state: parameters.get("state") ?? "", search: parameters.get("search") ?? "" };
  const projects = useProjects();
  const runs = useRuns(filter);
  const [selected, setSelected] = useState<ReadonlyMap<string, RunRef>>(new Map());
  const toggle = (ref: RunRef): void => {
    const next = new Map(selected);
    if (!next.delete(refKey(ref))) next.set(refKey(ref), ref);
    setSelected(next);
  };

  const rows = runs.data?.pages.flatMap((page) => page.runs);
  const isFiltered = filter.project !== "" || filter.state !== "" || filter.search !== "";
  return (
    <>
      <div className="page-head">
        <h1>Runs</h1>
        <form className="filters" role="search" onSubmit={(event) => event.preventDefault()}>
          <label>
            <span>Search</span>
            <input
              type="search"
              placeholder="name, id, tag or note"
              value={filter.search}
              onChange={(event) => setSearchParameter("search", event.target.value)}
            />
          </label>
          <label>
            <span>Project</span>
            <select value={filter.project} onChange={(event) => setSearchParameter("project", event.target.value)}>
              <option value="">all</option>
              {projects.data?.map(({ name, runs: count }) => (
                <option key={name} value={name}>
                  {name} ({count})
                </option>
              ))}
            </select>
          </label>
          <label>
            <span>State</span>
            <select value={filter.state} onChange={(event) => setSearchParameter("state", event.target.value)}>
              <option value="">all</option>
              {STATES.map((state) => (
                <option key={state}>{state}</option>
              ))}
            </select>
          </label>
        </form>
        <CompareButton refs={[...selected.values()]} />
      </div>
      {rows === undefined ? (
        runs.error === null ? (
          <Loading what="the runs" />
        ) : (
          <Failure error={runs.error} retry={() => void runs.refetch()} />
        )
      ) : rows.length === 0 ? (
        isFiltered ? (
          <p className="muted">No run matches. Widen the filters above.</p>
        ) : (
          <FirstRun />
        )
      ) : (
        <RunsTable runs={rows} selected={selected} onToggle={toggle} />
      )}
      {runs.hasNextPage ? (
        <button type="button" className="more" disabled={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
          Older runs
        </button>
      ) : null}
    </>
  );
}

function CompareButton({ refs }: { readonly refs: readonly RunRef[] }): ReactNode {
  if (refs.length < 2) return <span className="muted hint">Select two or more runs to compare them.</span>;
  return (
    <Link className="button primary" href={compareHref(refs)}>
      Compare {refs.length} runs
    </Link>
  );
}
