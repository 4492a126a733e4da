// The first page: every run of the team, newest first, with what fires now. Filters live in the address, so that a list
// can be sent to a colleague.

import { type ReactNode, useState } from "react";
import { ApiError } from "../api/client.ts";
import { useProjects, useRuns } from "../api/queries.ts";
import { Failure, Loading } from "../parts/answer.tsx";
import { Link, setSearchParameter, usePlace } from "../router.tsx";
import { compareHref, type RunRef, refKey } from "../routes.ts";
import { FilterBox } from "./filter-box.tsx";
import { FirstRun } from "./first-run.tsx";
import { DEFAULT_SORT } from "./run-columns.ts";
import { RunsTable } from "./runs-table.tsx";

const STATES = ["running", "finished", "failed", "crashed", "killed", "preempted"];

export function RunsPage(): ReactNode {
  const parameters = new URLSearchParams(usePlace().search);
  const of = (name: string): string => parameters.get(name) ?? "";
  const sort = of("sort") === "" ? DEFAULT_SORT : of("sort");
  const filter = { project: of("project"), state: of("state"), search: of("search"), filter: of("filter"), sort };
  const projects = useProjects();
  const runs = useRuns(filter);
  const [selected, setSelected] = useState<ReadonlyMap<string, RunRef>>(new Map());
  const toggle = (ref: RunRef): void => {
    const next = new Map(selected);
    if (!next.delete(refKey(ref))) next.set(refKey(ref), ref);
    setSelected(next);
  };

  const rows = runs.data?.pages.flatMap((page) => page.runs);
  const isFiltered = filter.project !== "" || filter.state !== "" || filter.search !== "" || filter.filter !== "";
  const isFilterWrong = runs.error instanceof ApiError && runs.error.fault?.path === "filter";
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
      <FilterBox filter={filter.filter} error={runs.error} />
      {rows === undefined ? (
        isFilterWrong ? null : runs.error === null ? (
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
        <RunsTable runs={rows} sort={sort} selected={selected} onToggle={toggle} />
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
