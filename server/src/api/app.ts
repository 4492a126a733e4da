// The HTTP side of the server: the query API, its OpenAPI document, health, the server's own metrics, and the page. Every
// request passes the host guard and the access guard; every answer carries a request id and the security headers; every error is a problem document.

import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { compress } from "hono/compress";
import { HTTPException } from "hono/http-exception";
import { requestId } from "hono/request-id";
import { matchedRoutes } from "hono/route";
import { version } from "../version.ts";
import { accessGuard } from "./access-guard.ts";
import type { ApiDeps } from "./deps.ts";
import { hostGuard } from "./host-guard.ts";
import { builtPage, pageFiles } from "./page-files.ts";
import { answerProblem, problemOf, problemOfError } from "./problem.ts";
import { alertRoutes } from "./routes/alerts.ts";
import { backupRoutes } from "./routes/backups.ts";
import { classRoutes } from "./routes/classes.ts";
import { consoleRoutes } from "./routes/console.ts";
import { controlRoutes } from "./routes/control.ts";
import { eventRoutes } from "./routes/events.ts";
import { imageRoutes } from "./routes/images.ts";
import { keyRoutes } from "./routes/keys.ts";
import { projectRoutes } from "./routes/projects.ts";
import { retentionRoutes } from "./routes/retention.ts";
import { ruleRoutes } from "./routes/rules.ts";
import { runEditRoutes } from "./routes/run-edits.ts";
import { runGroupRoutes } from "./routes/run-groups.ts";
import { runRoutes } from "./routes/runs.ts";
import { seriesRoutes } from "./routes/series.ts";
import { serverRoutes } from "./routes/server.ts";
import { sessionRoutes } from "./routes/session.ts";
import { storageRoutes } from "./routes/storage.ts";
import { tensorRoutes } from "./routes/tensors.ts";
import { securityHeaders } from "./security-headers.ts";

/** One request body; the longest that makes sense names 100 runs and 200 metrics. */
const bodyBytesMax = 1024 * 1024;

export function createApi(deps: ApiDeps): OpenAPIHono {
  const failed = (error: unknown): void => deps.failed?.("API request", error);
  const app = new OpenAPIHono();

  app.use(requestId(), securityHeaders, hostGuard(deps.allowedHosts, deps.publicUrl));
  app.use("/api/*", async (c, next) => {
    const start = performance.now();
    await next();
    // Patterns, not paths: a label must not take any value that a user types.
    const route = matchedRoutes(c).find(({ path }) => !path.endsWith("*"))?.path ?? "none";
    deps.metrics.request(route, c.res.status, (performance.now() - start) / 1000);
  });
  app.use(accessGuard({ ...deps, refused: (reason) => deps.metrics.accessRefused("http", reason) }));
  app.use("/api/*", compress({ contentTypeFilter: /^application\/(problem\+)?json/ }));
  app.use(
    "/api/*",
    bodyLimit({
      maxSize: bodyBytesMax,
      onError: (c) =>
        answerProblem(c, problemOf("over-limit", `the request body is over ${bodyBytesMax} bytes. Ask for fewer runs or metrics.`)),
    }),
  );

  app.route("/api/v1", v1(deps));
  app.all("/api/*", (c) =>
    answerProblem(c, problemOf("not-found", `there is no ${c.req.method} ${c.req.path}. /openapi.json lists the routes.`)),
  );

  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: { title: "Gradwatch", version, description: "Query API of Gradwatch. Errors are RFC 9457 problem documents." },
  });
  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", async (c) => {
    if (!deps.ready())
      return answerProblem(c, problemOf("storage-unavailable", "The server is starting or stopping. Try again in a moment."));
    if (await deps.store.ping()) {
      // Also when it is full: it answers, and who sends data is told.
      const { message } = deps.disk();
      return c.text(message === undefined ? "ready\n" : `ready\n${message}\n`);
    }
    return answerProblem(c, problemOf("storage-unavailable", "Storage does not answer just now. Nothing is lost; try again in a moment."));
  });
  app.get("/metrics", async (c) => c.body(await deps.metrics.text(), 200, { "content-type": deps.metrics.contentType }));
  deps.metrics.watchGauge("gradwatch_event_streams", "Open streams of live events", deps.hub.subscribers);
  app.get("*", pageFiles(deps.pageFolder ?? builtPage));

  app.notFound((c) =>
    answerProblem(c, problemOf("not-found", `there is no ${c.req.method} ${c.req.path}. /openapi.json lists the routes.`)),
  );
  app.onError((error, c) => {
    if (error instanceof HTTPException) return answerProblem(c, problemOf("invalid-request", error.message));
    return answerProblem(c, problemOfError(error, failed));
  });
  return app;
}

function v1(deps: ApiDeps): OpenAPIHono {
  const routes = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return undefined;
      const errors = result.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
      const detail = errors.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
      return answerProblem(c, problemOf("invalid-request", detail, errors));
    },
  });
  for (const add of [
    projectRoutes,
    runRoutes,
    runGroupRoutes,
    runEditRoutes,
    seriesRoutes,
    tensorRoutes,
    classRoutes,
    alertRoutes,
    ruleRoutes,
    consoleRoutes,
    imageRoutes,
    controlRoutes,
    eventRoutes,
    keyRoutes,
    backupRoutes,
    sessionRoutes,
    storageRoutes,
    retentionRoutes,
    serverRoutes,
  ])
    add(routes, deps);
  return routes;
}
