// API keys: the list, a new one, the end of one. An admin sees and gives only what lies within the projects of its own key.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { textOf } from "../../auth/api-key.ts";
import { covers } from "../../auth/authorize.ts";
import type { Keyring, StoredKey } from "../../auth/keyring.ts";
import type { Principal } from "../../auth/principal.ts";
import { principalOf, requireProject } from "../access-guard.ts";
import type { ApiDeps } from "../deps.ts";
import { ProblemError } from "../problem.ts";
import { answers } from "../route-parts.ts";
import { ApiKey, CreatedKey, NewKey } from "../schema.ts";

const listKeys = createRoute({
  method: "get",
  path: "/keys",
  summary: "API keys, the oldest first",
  request: { query: z.object({ project: z.string().min(1).optional().openapi({ description: "Only those that are for it" }) }) },
  responses: answers(z.object({ keys: z.array(ApiKey) }), "Every key, ended ones too; never a secret"),
});

const createKey = createRoute({
  method: "post",
  path: "/keys",
  summary: "A new API key",
  request: { body: { required: true, content: { "application/json": { schema: NewKey } } } },
  responses: answers(CreatedKey, "The key. Its secret is told this once"),
});

const revokeKey = createRoute({
  method: "delete",
  path: "/keys/{id}",
  summary: "Ends an API key",
  description: "Open streams of the key are closed within seconds.",
  request: {
    params: z.object({
      id: z
        .string()
        .min(1)
        .openapi({ param: { name: "id", in: "path" } }),
    }),
  },
  responses: answers(ApiKey, "The key as it is now"),
});

export function keyRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const { keyring } = deps.access;

  app.openapi(listKeys, async (c) => {
    const { project } = c.req.valid("query");
    const who = principalOf(c);
    const keys = await keyring.list();
    const seen = keys.filter((key) => covers(who.projects, key.projects) && (project === undefined || covers(key.projects, [project])));
    return c.json({ keys: seen.map((key) => shown(key, keyring)) }, 200);
  });

  app.openapi(createKey, async (c) => {
    const { owner, scopes, projects, expiresInMs, replaces } = c.req.valid("json");
    const who = principalOf(c);
    for (const project of projects) requireProject(who, project);
    if (replaces !== undefined) await requireKey(replaces, who, keyring);
    const expiresMs = expiresInMs === null ? null : deps.nowMs() + expiresInMs;
    const made = await keyring.create({ kind: "key", owner, scopes, projects, expiresMs, replaces: replaces ?? null }, who.key);
    return c.json({ key: shown(await requireKey(made.id, who, keyring), keyring), secret: textOf(made) }, 200);
  });

  app.openapi(revokeKey, async (c) => {
    const { id } = c.req.valid("param");
    const who = principalOf(c);
    const { revokedMs } = await requireKey(id, who, keyring);
    if (revokedMs === null) await keyring.revoke(id, who.key);
    return c.json(shown(await requireKey(id, who, keyring), keyring), 200);
  });
}

/** @throws ProblemError also where there is one that the asker may not see. */
async function requireKey(id: string, who: Principal, keyring: Keyring): Promise<StoredKey> {
  const key = await keyring.find(id);
  if (key !== undefined && key.kind !== "session" && covers(who.projects, key.projects)) return key;
  throw new ProblemError("not-found", `there is no key ${JSON.stringify(id)} within the projects of yours. GET /api/v1/keys lists them.`);
}

const shown = ({ id, kind, owner, scopes, projects, createdMs, createdBy, expiresMs, replaces }: StoredKey, keyring: Keyring): ApiKey => {
  const state = keyring.stateOf(id);
  return {
    id,
    owner,
    scopes,
    projects,
    state: state === "active" || state === "expired" ? state : "revoked",
    isLocal: kind === "local",
    createdAt: createdMs,
    createdBy,
    expiresAt: expiresMs,
    replaces,
  };
};
