// Rows of run_summaries as seen from a moment: only the columns that a query uses are read, and what depends on the
// moment (state, duration) is worked out beside them, from the last sign of life as it is now.

import type { Tenant } from "../../auth/principal.ts";
import type { Field, Filter } from "../../filter/tree.ts";
import { deletedRuns } from "./deleted-runs.ts";
import { filterSql, type RowScope } from "./filter-sql.ts";
import { inTenant } from "./keys.ts";

/** Which runs, as seen from a moment. */
export interface RunSelection {
  /** The projects that the asking key is for: nothing of another is selected, counted or told, whatever the filter says. */
  readonly tenant: Tenant;
  readonly filter: Filter | undefined;
  readonly project: string | undefined;
  readonly nowMs: number;
  /** A run that was silent for longer and did not end has crashed. */
  readonly silenceMs: number;
}

export interface SelectedRows extends RowScope {
  readonly parameters: Readonly<Record<string, unknown>>;
  /** FROM with the rows that are selected; asked for last, when all columns have been named. */
  from(): string;
}

/** Bound values of a query that is being put together, beside those it begins with. */
export function createBinder(begin: Readonly<Record<string, unknown>> = {}): {
  readonly bind: RowScope["bind"];
  readonly parameters: Readonly<Record<string, unknown>>;
} {
  const parameters: Record<string, unknown> = { ...begin };
  return {
    bind(type, value) {
      const name = `p${Object.keys(parameters).length}`;
      parameters[name] = value;
      return `{${name}:${type}}`;
    },
    parameters,
  };
}

export function selectRows({ tenant, filter, project, nowMs, silenceMs }: RunSelection): SelectedRows {
  const { bind, parameters } = createBinder({ tenant: [...tenant] });
  const stored = new Set<string>(["run"]);
  let needsSign = false;
  const of = (name: string): string => {
    stored.add(name);
    return `s.${name}`;
  };
  const now = bind("Int64", nowMs);
  const sign = (): string => {
    needsSign = true;
    return `greatest(${of("last_sign_ms")}, h.last_ms)`;
  };
  // No join for the state alone: joining takes the engine 20 ms longer to plan.
  const aliveFrom = bind("Int64", nowMs - silenceMs);
  const lives = (): string =>
    `(${of("last_sign_ms")} > ${aliveFrom} OR s.run IN (SELECT run FROM heartbeats WHERE time_ms > ${aliveFrom}))`;
  const derived: Readonly<Record<string, () => string>> = {
    state: () => `multiIf(${of("ended_state")} != '', ${of("ended_state")}, ${lives()}, 'running', 'crashed')`,
    duration_ms: () => `(multiIf(${of("ended_state")} != '', ${of("ended_ms")}, ${lives()}, ${now}, ${sign()}) - ${of("created_ms")})`,
  };
  const scope: RowScope = { nowMs, bind, column: (name) => derived[name]?.() ?? of(name) };

  // Within the innermost read, so that no filter is beside it.
  const conditions = [inTenant, `run NOT IN ${deletedRuns}`];
  if (project !== undefined) conditions.push(`project = ${bind("String", project)}`);
  const filters: string[] = [];
  if (filter !== undefined) filters.push(filterSql(filter, scope));
  // Who does not ask for what was put away does not see it.
  if (!(filter !== undefined && names(filter, "archived"))) filters.push(`NOT ${of("archived")}`);
  return {
    ...scope,
    parameters,
    from: () => `FROM (SELECT ${[...stored].join(", ")} FROM run_summaries FINAL WHERE ${conditions.join(" AND ")}) AS s
      ${needsSign ? "LEFT JOIN (SELECT run, max(time_ms) AS last_ms FROM heartbeats GROUP BY run) AS h ON h.run = s.run" : ""}
      WHERE ${filters.length === 0 ? "1" : filters.join(" AND ")}`,
  };
}

function names(filter: Filter, field: Field["name"]): boolean {
  switch (filter.kind) {
    case "and":
    case "or":
      return filter.of.some((part) => names(part, field));
    case "not":
      return names(filter.of, field);
    default:
      return filter.field.name === field;
  }
}
