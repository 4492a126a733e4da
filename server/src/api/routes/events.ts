// GET /events: what happens now, as server-sent events. A browser that reconnects sends the last id it saw and gets what it
// missed, or a `lagged` event when that is gone: then it should read again what it shows.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { streamSSE } from "hono/streaming";
import { principalOf } from "../access-guard.ts";
import type { ApiDeps } from "../deps.ts";
import { problems } from "../route-parts.ts";
import { LiveEvent } from "../schema.ts";

const subscribeEvents = createRoute({
  method: "get",
  path: "/events",
  summary: "Live events",
  description: "`event:` is the type, `data:` the JSON of the rest. Ids resume with Last-Event-ID.",
  request: {
    query: z.object({ project: z.string().min(1).optional(), run: z.string().min(1).optional() }),
    headers: z.object({ "last-event-id": z.string().max(100).optional() }),
  },
  responses: { 200: { description: "A stream of events", content: { "text/event-stream": { schema: LiveEvent } } }, ...problems },
});

const heartbeatMsDefault = 15_000;
const reconnectMs = 2_000;

export function eventRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(subscribeEvents, (c) => {
    const { project, run } = c.req.valid("query");
    const who = principalOf(c);
    const subscription = deps.hub.subscribe({ project, run, tenant: who.projects, afterId: c.req.valid("header")["last-event-id"] });
    const unwatch = deps.access.watch(who, () => subscription.close());
    const response = streamSSE(c, async (stream) => {
      stream.onAbort(() => subscription.close());
      const beating = setInterval(() => void stream.write(": alive\n\n"), deps.eventHeartbeatMs ?? heartbeatMsDefault);
      try {
        // Sends the headers at once, so that the page knows it is connected.
        await stream.write(`retry: ${reconnectMs}\n\n`);
        for await (const { id, event } of subscription) {
          const { type, ...data } = event;
          await stream.writeSSE({ id, event: type, data: JSON.stringify(data) });
        }
      } finally {
        clearInterval(beating);
        unwatch();
        subscription.close();
      }
    });
    response.headers.set("cache-control", "no-store, no-transform");
    // nginx holds streams back without it.
    response.headers.set("x-accel-buffering", "no");
    return response;
  });
}
