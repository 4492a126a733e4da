// Keys and what they may write to, and the filter that limits every list to the projects of a key.

import { z } from "zod";
import { defineQuery, Integer, UInt64 } from "../query.ts";

/** SQL: the row's `project` is one of the asking key's. Bound by {@link tenantParameter}; "*" is all. */
export const inTenant = "(has({tenant:Array(String)}, '*') OR has({tenant:Array(String)}, project))";
export const tenantParameter = {
  tenant: z
    .array(z.string())
    .readonly()
    .transform((names) => [...names]),
};

/** Few: a key a person or a machine, and a session a browser for as long as it lasts. */
export const keyEvents = defineQuery({
  name: "key-events",
  sql: `SELECT key, event, time_ms, actor, body FROM key_events FINAL ORDER BY time_ms, key`,
  parameters: z.object({}),
  row: z.object({ key: z.string(), event: z.enum(["created", "revoked"]), time_ms: Integer, actor: z.string(), body: z.string() }),
});

export const runWriters = defineQuery({
  name: "run-writers",
  sql: `SELECT key, token FROM run_writers FINAL WHERE run = {run:UInt64}`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ key: z.string(), token: z.string() }),
});
