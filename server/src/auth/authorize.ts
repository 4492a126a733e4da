// Who may do what: the one place that decides. A table from every route and RPC to the scope that it takes and to where its
// project is named; what is not in the table is refused. Pure: knows keys and names, no requests, store or clock.

import type { Principal, Scope, Tenant } from "./principal.ts";

export interface Rule {
  /** "any": every valid key. */
  readonly scope: Scope | "any";
  /**
   * Where the project is named. "path": in the address. "filter": a list that is limited to the key's projects, and may be asked
   * for one. "body": the handler asks {@link decideProject}. "none": it is about no project.
   */
  readonly project: "path" | "filter" | "body" | "none";
}

const read = (project: Rule["project"]): Rule => ({ scope: "read", project });
const ofRun = "/api/v1/projects/:project/runs/:run";

/** "METHOD /path" as the router has it, "rpc Name" of gradwatch.v1.Ingest. "open": without a key. */
export const rules: Readonly<Record<string, Rule | "open">> = {
  "GET /healthz": "open",
  "GET /readyz": "open",
  // The page's files, the same for everybody. What they show comes from the routes below.
  "GET *": "open",
  "GET /openapi.json": "open",
  // Answers that there is no such route.
  "ALL /api/*": "open",
  // Takes a key and gives a cookie; gives it back.
  "POST /api/v1/session": "open",
  "DELETE /api/v1/session": "open",

  "GET /api/v1/me": { scope: "any", project: "none" },
  "GET /api/v1/server": { scope: "any", project: "none" },
  "GET /metrics": read("none"),
  "GET /api/v1/rules": read("none"),
  "GET /api/v1/projects": read("filter"),
  "GET /api/v1/runs": read("filter"),
  "GET /api/v1/runs/facets": read("filter"),
  "GET /api/v1/runs/groups": read("filter"),
  "GET /api/v1/runs/keys": read("filter"),
  "GET /api/v1/projects/:project/runs": read("path"),
  "GET /api/v1/projects/:project/retention": read("path"),
  // What it removes cannot be brought back: not for everybody who may write.
  "PATCH /api/v1/projects/:project/retention": { scope: "control", project: "path" },
  "GET /api/v1/alerts": read("filter"),
  "GET /api/v1/alerts/:id": read("filter"),
  "GET /api/v1/events": read("filter"),
  // Who may read every point may know how many bytes they take. Sizes of tables are the server's, as its metrics are.
  "GET /api/v1/storage": read("filter"),
  "POST /api/v1/series": read("body"),
  [`GET ${ofRun}`]: read("path"),
  [`PATCH ${ofRun}`]: { scope: "write", project: "path" },
  [`DELETE ${ofRun}`]: { scope: "write", project: "path" },
  [`POST ${ofRun}/undelete`]: { scope: "write", project: "path" },
  [`GET ${ofRun}/metrics`]: read("path"),
  [`GET ${ofRun}/console`]: read("path"),
  [`GET ${ofRun}/images`]: read("path"),
  [`GET ${ofRun}/images/data`]: read("path"),
  [`GET ${ofRun}/rules`]: read("path"),
  [`GET ${ofRun}/tensors`]: read("path"),
  [`GET ${ofRun}/tensors/matrix`]: read("path"),
  [`GET ${ofRun}/tensors/histograms`]: read("path"),
  [`GET ${ofRun}/tensors/units`]: read("path"),
  [`GET ${ofRun}/classes`]: read("path"),
  [`POST ${ofRun}/flight-recorder`]: { scope: "control", project: "path" },
  [`POST ${ofRun}/stop`]: { scope: "control", project: "path" },

  "GET /api/v1/keys": { scope: "admin", project: "filter" },
  "POST /api/v1/keys": { scope: "admin", project: "body" },
  "DELETE /api/v1/keys/:id": { scope: "admin", project: "filter" },

  "PUT /api/v1/backups/:name": { scope: "admin", project: "body" },
  "GET /api/v1/backups/:name": { scope: "admin", project: "body" },

  "rpc OpenRun": { scope: "ingest", project: "body" },
  "rpc Write": { scope: "ingest", project: "body" },
  "rpc CloseRun": { scope: "ingest", project: "body" },
};

/** Why not, in words: what, the key, what it has, what to do. */
export interface Forbidden {
  readonly reason: "unlisted" | "scope" | "project" | "run";
  readonly message: string;
}

export const isOpen = (action: string): boolean => rules[action] === "open";

/** @param project the one that the request names, where it names one. */
export function decide(action: string, who: Principal, project?: string): Forbidden | undefined {
  const rule = rules[action];
  if (rule === "open") return undefined;
  if (rule === undefined) return { reason: "unlisted", message: `${action} has no rule for who may use it, so nobody may. This is a bug.` };
  if (rule.scope !== "any" && !hasScope(who, rule.scope)) {
    return {
      reason: "scope",
      message: `${action} takes the scope ${rule.scope}; key ${who.key} of ${who.owner} has ${who.scopes.join(", ")}. Ask for a key with it (gradwatch keys create).`,
    };
  }
  return project === undefined ? undefined : decideProject(who, project);
}

export function decideProject(who: Principal, project: string): Forbidden | undefined {
  if (covers(who.projects, [project])) return undefined;
  const have = who.projects.join(", ");
  return {
    reason: "project",
    message: `key ${who.key} of ${who.owner} is not for project ${JSON.stringify(project)}, only for ${have}. Ask for a key with it (gradwatch keys create).`,
  };
}

/** Ids of the keys that opened a run, or were let in by its token. */
export function decideRun(who: Principal, writers: { has(key: string): boolean }, run: string): Forbidden | undefined {
  if (hasScope(who, "admin") || who.standsFor.some((key) => writers.has(key))) return undefined;
  return {
    reason: "run",
    message: `run ${run} was opened by another key; key ${who.key} of ${who.owner} may not write to it. Give the token of that run (option runToken, GRADWATCH_RUN_TOKEN), use that key, or another run id.`,
  };
}

export const hasScope = (who: Pick<Principal, "scopes">, scope: Scope): boolean =>
  who.scopes.includes(scope) || who.scopes.includes("admin");

/** Whether all these projects are within what a key has. */
export const covers = (tenant: Tenant, projects: Tenant): boolean =>
  tenant.includes("*") || projects.every((project) => project !== "*" && tenant.includes(project));
