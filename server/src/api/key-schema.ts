// The shapes of keys as the API shows them; see schema.ts.

import { z } from "@hono/zod-openapi";
import { scopes } from "../auth/principal.ts";

const Scope = z.enum(scopes).openapi("Scope", { description: "`admin` includes the others" });
const KeyProjects = z.array(z.string().min(1).max(512)).min(1).max(1_000).openapi({ description: '"*": every project' });

export const Me = z
  .object({
    key: z.string().openapi({ description: "Id of the key" }),
    owner: z.string(),
    scopes: z.array(Scope),
    projects: KeyProjects,
    grpcPort: z.number().int().openapi({ description: "Where this server takes data" }),
  })
  .openapi("Me");
export type Me = z.infer<typeof Me>;

export const ApiKey = z
  .object({
    id: z.string(),
    owner: z.string(),
    scopes: z.array(Scope),
    projects: KeyProjects,
    state: z.enum(["active", "expired", "revoked"]),
    isLocal: z.boolean().openapi({ description: "Of the server's own user, in a file on its machine" }),
    createdAt: z.number().openapi({ description: "Unix ms" }),
    createdBy: z.string().openapi({ description: "Id of the key that created it" }),
    expiresAt: z.number().nullable(),
    replaces: z.string().nullable().openapi({ description: "Id of an earlier key whose runs it may go on with" }),
  })
  .openapi("ApiKey");
export type ApiKey = z.infer<typeof ApiKey>;

export const NewKey = z
  .object({
    owner: z
      .string()
      .min(1)
      .max(100)
      .regex(/^\P{Cc}*$/u, "a name without control characters"),
    scopes: z.array(Scope).min(1).max(5),
    projects: KeyProjects,
    expiresInMs: z.number().int().min(1).nullable().default(null),
    replaces: z.string().optional(),
  })
  .openapi("NewKey");

export const CreatedKey = z.object({ key: ApiKey, secret: z.string().openapi({ description: "gw_…" }) }).openapi("CreatedKey");
export type CreatedKey = z.infer<typeof CreatedKey>;
