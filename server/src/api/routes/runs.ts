// The list of runs, one run, and its metrics.

import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type MetricDefinition, MetricDefinitionSchema, MetricGoal } from "@gradwatch/proto";
import { defaultRole } from "../../detect/roles.ts";
import { metricRoleNames } from "../../ingest/wire-names.ts";
import { metricDefinitions, runMetrics } from "../../storage/queries/metrics.ts";
import { runPage } from "../../storage/queries/runs.ts";
import { sessionCuts } from "../../storage/queries/session-cut.ts";
import { createRoleTable, matcherOf } from "../../watch/role-table.ts";
import { type Cursor, decodeCursor, encodeCursor, start } from "../cursor.ts";
import { type ApiDeps, readContext, requireRun } from "../deps.ts";
import { listedKinds } from "../fold-run.ts";
import { jsonFloat } from "../json-float.ts";
import { answers, cursorParameter, limitParameter, RunParameters } from "../route-parts.ts";
import { completeRuns, type Folded, foldRuns, readRunDetail, type ReadContext } from "../run-reader.ts";
import { Metric, RunDetail, RunPage, RunState } from "../schema.ts";

const listRuns = createRoute({
  method: "get",
  path: "/runs",
  summary: "Runs, newest first",
  request: {
    query: z.object({
      project: z.string().min(1).optional(),
      state: RunState.optional(),
      search: z.string().max(200).optional().openapi({ description: "Part of an id, name, group or tag" }),
      limit: limitParameter(200, 50),
      cursor: cursorParameter,
    }),
  },
  responses: answers(RunPage, "A page of runs; may be short when `state` is given, so go by `nextCursor`"),
});

const getRun = createRoute({
  method: "get",
  path: "/projects/{project}/runs/{run}",
  summary: "One run",
  request: { params: RunParameters },
  responses: answers(RunDetail, "The run"),
});

const listMetrics = createRoute({
  method: "get",
  path: "/projects/{project}/runs/{run}/metrics",
  summary: "Metrics of a run, by name",
  request: { params: RunParameters },
  responses: answers(z.object({ metrics: z.array(Metric) }), "Every metric that has points"),
});

export function runRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(listRuns, async (c) => {
    const { cursor, ...filter } = c.req.valid("query");
    const context = readContext(c, deps);
    const begin = cursor === undefined ? start(lastRun) : decodeCursor(cursor, /^\d{1,20}$/);
    const { found, next } = await findRuns(filter, begin, context);
    return c.json({ runs: await completeRuns(found, context), nextCursor: next === undefined ? null : encodeCursor(next) }, 200);
  });

  app.openapi(getRun, async (c) => {
    const { project, run } = c.req.valid("param");
    const context = readContext(c, deps);
    return c.json(await readRunDetail(await requireRun(project, run, context), context), 200);
  });

  app.openapi(listMetrics, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const context = readContext(c, deps);
    const { run } = await requireRun(project, id, context);
    return c.json({ metrics: await readMetrics(run, context) }, 200);
  });
}

const lastRun = (2n ** 64n - 1n).toString();

interface RunFilter {
  readonly project?: string | undefined;
  readonly state?: RunState | undefined;
  readonly search?: string | undefined;
  readonly limit: number;
}

/** Candidates looked at for one page: a rare state costs no more than this. */
const candidatePagesMax = 10;

/** The state of a run is derived, so filtering by it folds candidates until the page is full or the patience ends. */
async function findRuns(filter: RunFilter, begin: Cursor, context: ReadContext): Promise<{ found: Folded[]; next: Cursor | undefined }> {
  const found: Folded[] = [];
  let after = begin;
  for (let page = 0; page < candidatePagesMax; page++) {
    const candidates = await context.store.read(
      runPage,
      {
        project: filter.project ?? "",
        search: filter.search ?? "",
        before_ms: after.ms,
        before_run: after.id,
        limit: filter.limit + 1,
        tenant: context.tenant,
      },
      { signal: context.signal },
    );
    const looked = await foldRuns(candidates.slice(0, filter.limit), listedKinds, context);
    for (const run of looked) {
      after = { ms: run.created_ms, id: run.run.toString() };
      if (filter.state !== undefined && run.folded.state !== filter.state) continue;
      found.push(run);
      if (found.length === filter.limit) break;
    }
    const more = candidates.length > filter.limit || after.id !== candidates.at(-1)?.run.toString();
    if (candidates.length === 0 || !more) return { found, next: undefined };
    if (found.length === filter.limit) break;
  }
  return { found, next: after };
}

async function readMetrics(run: bigint, { store, signal }: ReadContext): Promise<Metric[]> {
  const cuts = await sessionCuts(store, [run], signal);
  const [rows, stored] = await Promise.all([
    store.read(runMetrics, { run, ...cuts }, { signal }),
    store.read(metricDefinitions, { run }, { signal }),
  ]);
  const definitions = stored.map(({ body }) =>
    fromJson(MetricDefinitionSchema, JSON.parse(body) as JsonValue, { ignoreUnknownFields: true }),
  );
  const roles = createRoleTable(defaultRole);
  for (const { pattern, role } of definitions) {
    const word = metricRoleNames[role];
    if (word !== undefined) roles.define(pattern, word);
  }
  return rows.map((row) => ({
    name: row.name,
    role: roles.roleOf(row.name),
    goal: goalOf(row.name, roles.roleOf(row.name), definitions),
    stepMetric: definitions.findLast(({ pattern, stepMetric }) => stepMetric !== "" && matcherOf(pattern)(row.name))?.stepMetric ?? null,
    ranks: row.ranks,
    points: row.points,
    nonFinite: row.non_finite,
    stepMin: row.step_min,
    stepMax: row.step_max,
    last: jsonFloat(row.last),
    min: row.low,
    max: row.high,
  }));
}

/** As defined, the later first; without a definition only losses say what is better. */
function goalOf(name: string, role: Metric["role"], definitions: readonly MetricDefinition[]): Metric["goal"] {
  const definition = definitions.findLast(({ pattern, goal }) => goal !== MetricGoal.UNSPECIFIED && matcherOf(pattern)(name));
  if (definition !== undefined) return definition.goal === MetricGoal.MAXIMIZE ? "maximize" : "minimize";
  return role === "loss" || role === "validation-loss" ? "minimize" : "none";
}
