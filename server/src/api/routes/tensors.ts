// Tensors of a run: the list, one statistic of all of a kind as a matrix, and the histograms and the units of one.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type ApiDeps, readContext, requireRun } from "../deps.ts";
import { readMatrix } from "../matrix-reader.ts";
import { answers, RunParameters } from "../route-parts.ts";
import { Tensor, TensorHistograms, TensorKind, TensorMatrix, TensorStatistic, TensorUnits } from "../schema.ts";
import { readHistograms, readTensors } from "../tensor-reader.ts";
import { readUnits } from "../unit-reader.ts";

const base = "/projects/{project}/runs/{run}/tensors";
const phase = z.enum(["train", "evaluation", "none"]).optional();
const rank = z.coerce
  .number()
  .int()
  .min(0)
  .max(2 ** 32 - 1)
  .default(0)
  .openapi({ description: "Of tensors that every rank has a copy of; pieces are added over all ranks" });
const columns = (usual: number, most = 2_000) =>
  z.coerce.number().int().min(1).max(most).default(usual).openapi({ description: "At most; steps share a column beyond it" });

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

/** 256 units of mean and deviation each: about 5 MB of JSON. */
const unitColumnsMax = 500;

const getUnits = createRoute({
  method: "get",
  path: `${base}/units`,
  summary: "Mean and deviation of one tensor's units over time",
  description:
    "Inputs by channel; gradients of a recurrent layer's state by time step, whose share at time step t is mean² + std² of t over the sum.",
  request: {
    params: RunParameters,
    query: z.object({ name: z.string().min(1), kind: TensorKind, phase, columns: columns(120, unitColumnsMax), rank }),
  },
  responses: answers(TensorUnits, "Steps that share a column are pooled"),
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

  app.openapi(getUnits, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const context = readContext(c, deps);
    const { run } = await requireRun(project, id, context);
    return c.json(await readUnits(run, c.req.valid("query"), context), 200);
  });
}
