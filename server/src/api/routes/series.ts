// POST /series: a read whose selection is too long for a URL.

import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { principalOf, requireProject } from "../access-guard.ts";
import { type ApiDeps, readContext } from "../deps.ts";
import { answers } from "../route-parts.ts";
import { SeriesRequest, SeriesResponse } from "../schema.ts";
import { readSeries } from "../series-reader.ts";

const querySeries = createRoute({
  method: "post",
  path: "/series",
  summary: "Many metrics of many runs as buckets",
  description: "A series with at most `maxBuckets` points comes point by point. Series without points are left out.",
  request: { body: { required: true, content: { "application/json": { schema: SeriesRequest } } } },
  responses: answers(SeriesResponse, "In the order asked for: runs, then metrics, then ranks"),
});

export function seriesRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(querySeries, async (c) => {
    const selection = c.req.valid("json");
    for (const { project } of selection.runs) requireProject(principalOf(c), project);
    return c.json(await readSeries(selection, readContext(c, deps)), 200);
  });
}
