// Incidents, folded from their appended events: the newest event of an incident is its present state.

import { z } from "zod";
import { defineQuery, Integer, UInt64 } from "../query.ts";
import { deletedRuns } from "./deleted-runs.ts";
import { inTenant, tenantParameter } from "./keys.ts";

/** Present state of every incident of one run, for going on where another server was. */
export const runIncidents = defineQuery({
  name: "run-incidents",
  sql: `SELECT incident, max(transition) AS newest, argMax(body, (transition, time_ms)) AS latest
    FROM incident_events WHERE run = {run:UInt64} GROUP BY incident`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ incident: z.string(), newest: Integer, latest: z.string() }),
});

/** Newest first by when it opened, after the cursor. An empty filter matches everything. */
export const incidentPage = defineQuery({
  name: "incident-page",
  sql: `SELECT incident, min(time_ms) AS opened, argMax(state, (transition, time_ms)) AS now, argMax(body, (transition, time_ms)) AS latest
    FROM incident_events
    WHERE ({project:String} = '' OR project = {project:String}) AND ({run:String} = '' OR run_id = {run:String})
      AND ({rule:String} = '' OR rule = {rule:String}) AND ${inTenant} AND run NOT IN ${deletedRuns}
    GROUP BY run, incident
    HAVING ({state:String} = '' OR now = {state:String}) AND (opened, incident) < ({before_ms:Int64}, {before_id:String})
    ORDER BY opened DESC, incident DESC LIMIT {limit:UInt32}`,
  parameters: z.object({
    project: z.string(),
    run: z.string(),
    rule: z.string(),
    state: z.string(),
    before_ms: z.int(),
    before_id: z.string(),
    limit: z.int(),
    ...tenantParameter,
  }),
  row: z.object({ incident: z.string(), opened: Integer, latest: z.string() }),
});

export const incidentById = defineQuery({
  name: "incident-by-id",
  sql: `SELECT argMax(body, (transition, time_ms)) AS latest FROM incident_events
    WHERE incident = {incident:String} AND ${inTenant} AND run NOT IN ${deletedRuns} GROUP BY run, incident`,
  parameters: z.object({ incident: z.string(), ...tenantParameter }),
  row: z.object({ latest: z.string() }),
});

/** How many incidents of these runs there are, and which levels are firing. */
export const incidentCounts = defineQuery({
  name: "incident-counts",
  sql: `SELECT toString(run) AS run, count() AS total, countIf(now = 'firing') AS firing, groupUniqArrayIf(level_now, now = 'firing') AS levels
    FROM (
      SELECT run, incident, argMax(state, (transition, time_ms)) AS now, argMax(level, (transition, time_ms)) AS level_now
      FROM incident_events WHERE run IN {runs:Array(UInt64)} GROUP BY run, incident
    ) GROUP BY run`,
  parameters: z.object({ runs: z.array(z.bigint()) }),
  row: z.object({
    run: z.string().transform(BigInt),
    total: Integer,
    firing: Integer,
    levels: z.array(z.enum(["info", "warn", "high", "critical"])),
  }),
});

export const firingByProject = defineQuery({
  name: "firing-by-project",
  sql: `SELECT project, countIf(now = 'firing') AS firing FROM (
      SELECT project, run, incident, argMax(state, (transition, time_ms)) AS now FROM incident_events
      WHERE ${inTenant} AND run NOT IN ${deletedRuns} GROUP BY project, run, incident
    ) GROUP BY project`,
  parameters: z.object(tenantParameter),
  row: z.object({ project: z.string(), firing: Integer }),
});
