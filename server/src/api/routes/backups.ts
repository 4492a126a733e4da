// Backups of everything, to a folder beside the data: whoever may ask has a key for every project.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { BACKUP_NAME } from "../../storage/backups.ts";
import { StoreError } from "../../storage/store.ts";
import { principalOf, requireProject } from "../access-guard.ts";
import type { ApiDeps } from "../deps.ts";
import { ProblemError } from "../problem.ts";
import { answers } from "../route-parts.ts";
import { Backup } from "../schema.ts";

const BackupName = z
  .string()
  .regex(BACKUP_NAME, 'letters, digits, "-", "_" and ".", at most 100')
  .openapi({ param: { name: "name", in: "path" }, description: "Of the backup's folder" });

const startBackup = createRoute({
  method: "put",
  path: "/backups/{name}",
  summary: "Begin a backup of everything",
  description: "It goes on while data arrives. Takes a key for every project.",
  request: { params: z.object({ name: BackupName }) },
  responses: answers(Backup, "It has begun"),
});

const readBackup = createRoute({
  method: "get",
  path: "/backups/{name}",
  summary: "How far a backup is",
  request: { params: z.object({ name: BackupName }) },
  responses: answers(Backup, "A backup that was begun since the engine was started"),
});

/** Of keys that are for every project. */
const EVERY = "*";

export function backupRoutes(app: OpenAPIHono, { backups }: ApiDeps): void {
  const told = async (name: string): Promise<Backup> => {
    const status = await backups.status(name);
    if (status === undefined) {
      throw new ProblemError("not-found", `no backup ${name} was begun since the engine was started. Look at ${backups.place(name)}.`);
    }
    return { name, place: backups.place(name), ...status };
  };
  app.openapi(startBackup, async (c) => {
    requireProject(principalOf(c), EVERY);
    const { name } = c.req.valid("param");
    if ((await backups.status(name)) !== undefined) {
      throw new ProblemError("invalid-request", `there is a backup ${name} already. Choose another name.`);
    }
    await backups.start(name).catch((error: unknown) => {
      if (!(error instanceof StoreError) || error.code !== "rejected") throw error;
      throw new ProblemError(
        "invalid-request",
        `the engine does not begin backup ${name} (${error.message}). Is there one already at ${backups.place(name)}? Choose another name.`,
      );
    });
    return c.json(await told(name), 200);
  });
  app.openapi(readBackup, async (c) => {
    requireProject(principalOf(c), EVERY);
    return c.json(await told(c.req.valid("param").name), 200);
  });
}
