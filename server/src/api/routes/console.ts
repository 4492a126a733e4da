// What a run printed.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { consolePage } from "../../storage/queries/console.ts";
import { decodeCursor, encodeCursor, start } from "../cursor.ts";
import { type ApiDeps, readContext, requireRun } from "../deps.ts";
import { answers, cursorParameter, limitParameter, RunParameters } from "../route-parts.ts";
import { ConsolePage } from "../schema.ts";

const listLines = createRoute({
  method: "get",
  path: "/projects/{project}/runs/{run}/console",
  summary: "Console lines of a run: the last ones, and page by page those before",
  request: {
    params: RunParameters,
    query: z.object({
      search: z.string().max(200).optional().openapi({ description: "Part of a line" }),
      limit: limitParameter(2_000, 200),
      cursor: cursorParameter,
    }),
  },
  responses: answers(ConsolePage, "Lines by ascending time"),
});

/** Above every id: ids are hexadecimal. */
const lastLine = "g";

export function consoleRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(listLines, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const { search, limit, cursor } = c.req.valid("query");
    const context = readContext(c, deps);
    const { run } = await requireRun(project, id, context);
    const before = cursor === undefined ? start(lastLine) : decodeCursor(cursor, /^[0-9a-f]{56}$/);
    const rows = await context.store.read(
      consolePage,
      { run, search: search ?? "", before_ms: before.ms, before_id: before.id, limit: limit + 1 },
      { signal: context.signal },
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return c.json(
      {
        lines: shown
          .toReversed()
          .map(({ id: line, time_ms, rank, stream, line: text }) => ({ id: line, time: time_ms, rank, stream, text })),
        nextCursor: rows.length > limit && last !== undefined ? encodeCursor({ ms: last.time_ms, id: last.id }) : null,
      },
      200,
    );
  });
}
