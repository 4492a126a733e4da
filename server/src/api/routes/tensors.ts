// Tensors of a run: the list, one statistic of all of a kind as a matrix, and the histograms of one.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type ApiDeps, readContext, requireRun } from "../deps.ts";
import { answers, RunParameters } from "../route-parts.ts";
import { Tensor, TensorHistograms, TensorKind, TensorMatrix, TensorStatistic } from "../schema.ts";
import { readHistograms, readMatrix, readTensors } from "../tensor-reader.ts";

const base = "/projects/{project}/runs/{run}/tensors";
const phase = z.enum(["train", "evaluation", "none"]).optional();
const rank = z.coerce
  .number()
  .int()
  .min(0)
  .max(2 ** 32 - 1)
  .default(0)
  .openapi({ description: "Of tensors that every rank has a copy of; pieces are added over all ranks" });
const columns = (usual: number) =>
  z.coerce.number().int().min(1).max(2_000).default(usual).openapi({ description: "At most; steps share a column beyond it" });

const listTensors = createRoute({
  method: "get",
  path: base,
  summary: "Tensors of a run, input side first",
  request: { params: RunParameters },
  responses: answers(z.object({ tensors: z.array(Tensor) }), "Every tensor that was summarised"),
});

const getMatrix = createRoute({
  method: "get",
  path: `${base}/matrix`,
  summary: "One statistic, tensor by step",
  request: {
    params: RunParameters,
    query: z.object({ kind: TensorKind, statistic: TensorStatistic.default("norm"), columns: columns(400), phase, rank }),
  },
  responses: answers(TensorMatrix, "One row a tensor that has summaries"),
});

const getHistograms = createRoute({
  method: "get",
  path: `${base}/histograms`,
  summary: "Histograms of one tensor over time",
  request: {
    params: RunParameters,
    query: z.object({
      name: z.string().min(1),
      kind: TensorKind,
      phase,
      columns: columns(100),
      bins: z.coerce.number().int().min(1).max(512).default(60),
      rank,
    }),
  },
  responses: answers(TensorHistograms, "Counts in bins that all columns share"),
});

export function tensorRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(listTensors, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const context = readContext(c, deps);
    const { run } = await requireRun(project, id, context);
    return c.json({ tensors: (await readTensors(run, context)).map(({ shown }) => shown) }, 200);
  });

  app.openapi(getMatrix, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const context = readContext(c, deps);
    const { run } = await requireRun(project, id, context);
    return c.json(await readMatrix(run, c.req.valid("query"), context), 200);
  });

  app.openapi(getHistograms, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const context = readContext(c, deps);
    const { run } = await requireRun(project, id, context);
    return c.json(await readHistograms(run, c.req.valid("query"), context), 200);
  });
}
