// What a classifier counted: labels, predictions, errors by class, and who was taken for whom.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { readClasses } from "../class-reader.ts";
import { type ApiDeps, readContext, requireRun } from "../deps.ts";
import { answers, RunParameters } from "../route-parts.ts";
import { ClassRecords, Phase } from "../schema.ts";

const listClasses = createRoute({
  method: "get",
  path: "/projects/{project}/runs/{run}/classes",
  summary: "Class records of a run over time, and the confusion of one step",
  request: {
    params: RunParameters,
    query: z.object({
      phase: Phase.optional().openapi({ description: "Default: train, if the run has it" }),
      rank: z.coerce
        .number()
        .int()
        .min(0)
        .max(2 ** 32 - 1)
        .default(0),
      step: z.coerce
        .number()
        .int()
        .min(0)
        .max(2 ** 50)
        .optional()
        .openapi({ description: "Of the confusion; default: the last that there is" }),
      records: z.coerce.number().int().min(1).max(1_000).default(200).openapi({ description: "At most; picked evenly beyond it" }),
    }),
  },
  responses: answers(ClassRecords, "Of one phase and rank; empty where nothing was logged"),
});

export function classRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(listClasses, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const context = readContext(c, deps);
    const { run } = await requireRun(project, id, context);
    return c.json(await readClasses(run, c.req.valid("query"), context), 200);
  });
}
