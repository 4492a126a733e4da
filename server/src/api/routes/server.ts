// GET /server: what everybody with a key may know of the server itself, so that the page can tell why data is not taken.

import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { version } from "../../version.ts";
import type { ApiDeps } from "../deps.ts";
import { answers } from "../route-parts.ts";
import { ServerState } from "../schema-storage.ts";

const readState = createRoute({
  method: "get",
  path: "/server",
  summary: "The server's version, and whether its disk has room",
  responses: answers(ServerState, "The server as it is now"),
});

export function serverRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(readState, (c) => {
    const { state, space, message } = deps.disk();
    return c.json(
      { version, disk: { state, usedBytes: space?.usedBytes ?? null, freeBytes: space?.freeBytes ?? null, message: message ?? null } },
      200,
    );
  });
}
