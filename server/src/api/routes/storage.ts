// GET /storage: what takes how much room. The sizes of tables are the server's, as /metrics is; runs are those of the key.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { freedSoFar } from "../../storage/queries/removals.ts";
import { tableSizes, useOfProjects, useOfRuns } from "../../storage/queries/storage-use.ts";
import type { DataKind } from "../../storage/run-tables.ts";
import { type ApiDeps, readContext } from "../deps.ts";
import { answers, limitParameter } from "../route-parts.ts";
import { StorageUse } from "../schema-storage.ts";

const readUse = createRoute({
  method: "get",
  path: "/storage",
  summary: "Bytes on the disk by project, run and kind",
  description:
    "Tables are exact, projects and runs estimated from the shares of their rows. Reads a column of every table: not for every second.",
  request: {
    query: z.object({
      project: z.string().min(1).optional().openapi({ description: "Only its runs" }),
      by: z.enum(["project", "run"]).default("project"),
      limit: limitParameter(10_000, 1_000),
    }),
  },
  responses: answers(StorageUse, "What is on the disk"),
});

export function storageRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(readUse, async (c) => {
    const { project = "", by, limit } = c.req.valid("query");
    const { store, tenant, signal, nowMs } = readContext(c, deps);
    const [tables, use, freed] = await Promise.all([
      store.read(tableSizes, {}, { signal }),
      store.read(by === "run" ? useOfRuns : useOfProjects, { tenant, project, limit }, { signal }),
      store.read(freedSoFar, { tenant }, { signal }),
    ]);
    return c.json(
      {
        tables,
        bytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
        use: use.map((row) => ({
          project: row.project === "" ? null : row.project,
          run: row.id === "" ? null : row.id,
          deleted: row.deleted === 1,
          bytes: row.total,
          kinds: Object.fromEntries(row.kinds.map((kind, i) => [kind as DataKind, { rows: row.rows[i] ?? 0, bytes: row.bytes[i] ?? 0 }])),
        })),
        freed: freed.map(({ last_ms, ...row }) => ({ ...row, lastAt: last_ms })),
        asOf: nowMs,
      },
      200,
    );
  });
}
