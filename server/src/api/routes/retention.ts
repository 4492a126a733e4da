// How long a project keeps what: read by who reads it, changed by who may also stop its runs. Changes are appended; the last
// word on each kind counts.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { randomUUID } from "node:crypto";
import { expiringKinds, retentionSettings } from "../../storage/queries/retention.ts";
import { principalOf } from "../access-guard.ts";
import { type ApiDeps, readContext } from "../deps.ts";
import type { ReadContext } from "../run-reader.ts";
import { answers } from "../route-parts.ts";
import { Retention, RetentionChange } from "../schema-storage.ts";

const parameters = z.object({
  project: z
    .string()
    .min(1)
    .openapi({ param: { name: "project", in: "path" } }),
});

const readRetention = createRoute({
  method: "get",
  path: "/projects/{project}/retention",
  summary: "How long a project keeps what",
  request: { params: parameters },
  responses: answers(Retention, "Days by kind"),
});

const changeRetention = createRoute({
  method: "patch",
  path: "/projects/{project}/retention",
  summary: "Change how long a project keeps what",
  description: "What is older begins to leave the disk within the hour. That cannot be taken back. Pinned runs stay whole.",
  request: { params: parameters, body: { required: true, content: { "application/json": { schema: RetentionChange } } } },
  responses: answers(Retention, "Days by kind as they are now"),
});

export function retentionRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(readRetention, async (c) => c.json(await retentionOf(c.req.valid("param").project, readContext(c, deps)), 200));

  app.openapi(changeRetention, async (c) => {
    const { project } = c.req.valid("param");
    const context = readContext(c, deps);
    // Later than what it replaces, whatever the clocks of servers say.
    const settings = await context.store.read(retentionSettings, { project }, { signal: context.signal });
    const time_ms = Math.max(context.nowMs, ...settings.map((one) => one.changed_ms + 1));
    await context.store.insertRows(
      "retention_events",
      Object.entries(c.req.valid("json")).map(([kind, days]) => ({
        project,
        kind,
        time_ms,
        id: randomUUID(),
        days: days ?? 0,
        actor: principalOf(c).key,
      })),
    );
    return c.json(await retentionOf(project, context), 200);
  });
}

async function retentionOf(project: string, { store, signal }: ReadContext): Promise<Retention> {
  const settings = await store.read(retentionSettings, { project }, { signal });
  const kinds = expiringKinds.map((kind) => {
    const setting = settings.find((one) => one.kind === kind);
    const days = setting === undefined || setting.kept_days === 0 ? null : setting.kept_days;
    return { kind, days, changedAt: setting?.changed_ms ?? null, changedBy: setting?.changed_by ?? null };
  });
  return { project, kinds };
}
