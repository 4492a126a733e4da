// Incidents: the list and one of them.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { incidentById, incidentPage } from "../../storage/queries/incidents.ts";
import { decodeCursor, encodeCursor, start } from "../cursor.ts";
import { type ApiDeps, readContext } from "../deps.ts";
import { ProblemError } from "../problem.ts";
import { answers, cursorParameter, limitParameter } from "../route-parts.ts";
import { Incident, IncidentPage, IncidentState } from "../schema.ts";

const listIncidents = createRoute({
  method: "get",
  path: "/alerts",
  summary: "Incidents, newest first by when they opened",
  request: {
    query: z.object({
      project: z.string().min(1).optional(),
      run: z.string().min(1).optional(),
      state: IncidentState.optional(),
      rule: z.string().min(1).optional(),
      limit: limitParameter(200, 50),
      cursor: cursorParameter,
    }),
  },
  responses: answers(IncidentPage, "A page of incidents"),
});

const getIncident = createRoute({
  method: "get",
  path: "/alerts/{id}",
  summary: "One incident",
  request: {
    params: z.object({
      id: z
        .string()
        .min(1)
        .openapi({ param: { name: "id", in: "path" } }),
    }),
  },
  responses: answers(Incident, "The incident"),
});

/** Above every id: ids are hexadecimal. */
const lastIncident = "g";

export function alertRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(listIncidents, async (c) => {
    const { cursor, project, run, state, rule, limit } = c.req.valid("query");
    const { store, tenant, signal } = readContext(c, deps);
    const after = cursor === undefined ? start(lastIncident) : decodeCursor(cursor, /^[0-9a-f]+$/);
    const rows = await store.read(
      incidentPage,
      {
        project: project ?? "",
        run: run ?? "",
        rule: rule ?? "",
        state: state ?? "",
        before_ms: after.ms,
        before_id: after.id,
        limit: limit + 1,
        tenant,
      },
      { signal },
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const nextCursor = rows.length > limit && last !== undefined ? encodeCursor({ ms: last.opened, id: last.incident }) : null;
    return c.json({ incidents: shown.map(({ latest }) => Incident.parse(JSON.parse(latest))), nextCursor }, 200);
  });

  app.openapi(getIncident, async (c) => {
    const { id } = c.req.valid("param");
    const { store, tenant, signal } = readContext(c, deps);
    const [row] = await store.read(incidentById, { incident: id, tenant }, { signal });
    if (row === undefined)
      throw new ProblemError("not-found", `there is no incident ${JSON.stringify(id)}. GET /api/v1/alerts lists them.`);
    return c.json(Incident.parse(JSON.parse(row.latest)), 200);
  });
}
