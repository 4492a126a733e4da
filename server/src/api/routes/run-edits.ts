// Changing, deleting and bringing back a run. Answers come when lists show the change.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type ApiDeps, readContext, requireRun } from "../deps.ts";
import { answers, RunParameters } from "../route-parts.ts";
import { appendEdit, deleteRun, undeleteRun } from "../run-edits.ts";
import { readRunDetail } from "../run-reader.ts";
import { RunDetail } from "../schema.ts";

/** As limits of ingest: what a training may say, a user may. */
const name = z.string().max(512);
const RunPatch = z
  .strictObject({
    name: name.optional(),
    tags: z.array(name.min(1)).max(100).optional().openapi({ description: "All of them: replaces those it has" }),
    notes: z.string().max(65_536).optional(),
    archived: z.boolean().optional(),
    pinned: z.boolean().optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, "nothing to change: name one of name, tags, notes, archived, pinned")
  .openapi("RunPatch");

const patchRun = createRoute({
  method: "patch",
  path: "/projects/{project}/runs/{run}",
  summary: "Change what users may say of a run: name, tags, notes, archived, pinned",
  request: { params: RunParameters, body: { required: true, content: { "application/json": { schema: RunPatch } } } },
  responses: answers(RunDetail, "The run as it is now"),
});

const Deletion = z.object({ deleted: z.boolean() }).openapi("Deletion");

const removeRun = createRoute({
  method: "delete",
  path: "/projects/{project}/runs/{run}",
  summary: "Delete a run; it can be brought back for seven days",
  description: "From now on it is in no answer, and what it still sends is refused.",
  request: { params: RunParameters },
  responses: answers(Deletion, "It is deleted"),
});

const restoreRun = createRoute({
  method: "post",
  path: "/projects/{project}/runs/{run}/undelete",
  summary: "Bring a deleted run back within its grace period",
  request: { params: RunParameters },
  responses: answers(Deletion, "It is there again"),
});

export function runEditRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(patchRun, async (c) => {
    const { project, run } = c.req.valid("param");
    const context = readContext(c, deps);
    await appendEdit(project, run, c.req.valid("json"), context);
    const detail = await readRunDetail(await requireRun(project, run, context), context);
    await deps.runChanged({ project, run }, detail.state);
    return c.json(detail, 200);
  });

  app.openapi(removeRun, async (c) => {
    const { project, run } = c.req.valid("param");
    await deleteRun(project, run, readContext(c, deps));
    await deps.runChanged({ project, run });
    return c.json({ deleted: true }, 200);
  });

  app.openapi(restoreRun, async (c) => {
    const { project, run } = c.req.valid("param");
    await undeleteRun(project, run, readContext(c, deps));
    await deps.runChanged({ project, run });
    return c.json({ deleted: false }, 200);
  });
}
