// What a person asks of a run that trains: to log every step for a while, and to stop. The processes decide; what they
// answer comes as live events.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Asked as AskedProcesses, AskedRun } from "../../ingest/control-requests.ts";
import { type ApiDeps, readContext, requireRun } from "../deps.ts";
import { ProblemError } from "../problem.ts";
import { json, problem, problems, RunParameters } from "../route-parts.ts";
import { Asked } from "../schema.ts";

const kinds = ["gradients", "weights", "updates", "activations", "inputs"] as const;

/** It is printed where training runs: no escape sequences. */
const reason = z
  .string()
  .max(500)
  .regex(/^\P{Cc}*$/u, "the reason holds a control character. Remove it.")
  .default("")
  .openapi({ description: "Told to the processes" });

const responses = {
  202: json(Asked, "Every process that is connected to this server was asked"),
  ...problems,
  409: problem("No process of the run is connected to this server; nobody was asked"),
};

const recordSteps = createRoute({
  method: "post",
  path: "/projects/{project}/runs/{run}/flight-recorder",
  summary: "Ask a run to log every step in full for a while",
  description: "A process that cannot answers `unsupported`.",
  request: {
    params: RunParameters,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            steps: z.number().int().min(1).max(10_000),
            kinds: z
              .array(z.enum(kinds))
              .min(1)
              .default([...kinds]),
            reason,
          }),
        },
      },
    },
  },
  responses,
});

const askToStop = createRoute({
  method: "post",
  path: "/projects/{project}/runs/{run}/stop",
  summary: "Ask a run to stop",
  description: "run.shouldStop() becomes true in every process; the training loop decides when to end.",
  request: { params: RunParameters, body: { required: true, content: { "application/json": { schema: z.object({ reason }) } } } },
  responses,
});

const reasonDefault = "asked over the API";

export function controlRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(recordSteps, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const { run: key } = await requireRun(project, id, readContext(c, deps));
    const wanted = c.req.valid("json");
    const asked = deps.control.record(
      { key, project, id },
      {
        steps: wanted.steps,
        ...Object.fromEntries(kinds.map((kind) => [kind, wanted.kinds.includes(kind)])),
        reason: wanted.reason || reasonDefault,
      },
    );
    return c.json(requireProcess({ key, project, id }, asked), 202);
  });

  app.openapi(askToStop, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const { run: key } = await requireRun(project, id, readContext(c, deps));
    const asked = deps.control.stop({ key, project, id }, { reason: c.req.valid("json").reason || reasonDefault });
    return c.json(requireProcess({ key, project, id }, asked), 202);
  });
}

/** @throws ProblemError when nobody was asked. */
function requireProcess({ id }: AskedRun, asked: AskedProcesses): AskedProcesses {
  if (asked.processes > 0) return asked;
  throw new ProblemError(
    "not-connected",
    `no process of run ${JSON.stringify(id)} is connected to this server, so nobody was asked. It has ended, its connection is lost, or it writes to another server. Try again when it shows signs of life.`,
  );
}
