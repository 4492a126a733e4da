// The list of runs, one run, and its metrics.

import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type MetricDefinition, MetricDefinitionSchema, MetricGoal } from "@gradwatch/proto";
import { defaultRole } from "../../detect/roles.ts";
import { metricRoleNames } from "../../ingest/wire-names.ts";
import { metricDefinitions, runMetrics } from "../../storage/queries/metrics.ts";
import { sessionCuts } from "../../storage/queries/session-cut.ts";
import { createRoleTable, matcherOf } from "../../watch/role-table.ts";
import { type ApiDeps, readContext, requireRun } from "../deps.ts";
import { jsonFloat } from "../json-float.ts";
import { answers, cursorParameter, limitParameter, RunParameters } from "../route-parts.ts";
import { readRunList } from "../run-list.ts";
import { type ReadContext, readRunDetail } from "../run-reader.ts";
import { RunPage } from "../schema-runs.ts";
import { Metric, RunDetail, RunState } from "../schema.ts";

const listQuery = z.object({
  filter: z
    .string()
    .optional()
    .openapi({ description: "See docs/filter-language.md", example: 'config.lr < 0.01 and summary."val/acc".max > 0.9' }),
  sort: z
    .string()
    .optional()
    .openapi({ description: "Up to three fields with asc or desc; default: created desc", example: "pinned desc, created desc" }),
  columns: z
    .string()
    .optional()
    .openapi({ description: "Fields to answer in `cells`, instead of config and summary", example: "name, config.lr, summary.loss.last" }),
  state: RunState.optional(),
  search: z.string().max(200).optional().openapi({ description: "Part of an id, name, group, tag or note" }),
  limit: limitParameter(200, 50),
  cursor: cursorParameter,
});

const listRuns = createRoute({
  method: "get",
  path: "/runs",
  summary: "Runs of all projects, filtered and sorted",
  request: { query: listQuery.extend({ project: z.string().min(1).optional() }) },
  responses: answers(RunPage, "A page of runs"),
});

const listProjectRuns = createRoute({
  method: "get",
  path: "/projects/{project}/runs",
  summary: "Runs of a project, filtered and sorted",
  request: { params: RunParameters.pick({ project: true }), query: listQuery },
  responses: answers(RunPage, "A page of runs"),
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
  app.openapi(listRuns, async (c) => c.json(await readRunList(c.req.valid("query"), readContext(c, deps)), 200));

  app.openapi(listProjectRuns, async (c) =>
    c.json(await readRunList({ ...c.req.valid("query"), ...c.req.valid("param") }, readContext(c, deps)), 200),
  );

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
