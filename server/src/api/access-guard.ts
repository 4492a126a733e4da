// Every HTTP request passes here: finds the route that will answer, the key behind the request (header or cookie), and asks
// authorize.ts. A route without a rule is closed.

import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { matchedRoutes } from "hono/route";
import { type Access, type AuthFailure, bearerOf, isFailure } from "../auth/access.ts";
import { decide, decideProject, type Forbidden, isOpen, rules } from "../auth/authorize.ts";
import type { Principal } from "../auth/principal.ts";
import { answerProblem, ProblemError, problemOf } from "./problem.ts";

export interface GuardOptions {
  readonly access: Access;
  /** Believe a proxy about where a request comes from. */
  readonly behindProxy: boolean;
  /** Counts what was refused. */
  readonly refused: (reason: AuthFailure["reason"] | Forbidden["reason"]) => void;
}

const principalKey = "principal";

export function accessGuard({ access, behindProxy, refused }: GuardOptions): MiddlewareHandler {
  return async (c, next) => {
    const route = routeOf(c);
    if (isOpen(route.action)) return await next();
    const who = await access.authenticate(keyOf(c), addressOf(c, behindProxy));
    if (isFailure(who)) {
      refused(who.reason);
      return answerFailure(c, who);
    }
    const forbidden = decide(route.action, who, projectOf(c, route));
    if (forbidden !== undefined) {
      refused(forbidden.reason);
      return answerProblem(c, problemOf("forbidden", forbidden.message));
    }
    c.set(principalKey, who);
    return await next();
  };
}

/** Who asks. Only of routes that are not open. */
export const principalOf = (c: Context): Principal => c.get(principalKey) as Principal;

/** @throws ProblemError when the asking key is not for that project. */
export function requireProject(who: Principal, project: string): void {
  const forbidden = decideProject(who, project);
  if (forbidden !== undefined) throw new ProblemError("forbidden", forbidden.message);
}

export function answerFailure(c: Context, { reason, message }: AuthFailure): Response {
  const response = answerProblem(c, problemOf(reason === "too-many" ? "too-many-failures" : "unauthenticated", message));
  if (reason === "too-many") response.headers.set("retry-after", "60");
  else response.headers.set("www-authenticate", "Bearer");
  return response;
}

/** Cookies know hosts, not ports: two servers of one machine must not take each other's. */
export const cookieName = (c: Context): string => `gradwatch-${new URL(c.req.url).port || "page"}`;

/** A header that is no key is a wrong key, whatever the cookie says. */
function keyOf(c: Context): string | undefined {
  const header = c.req.header("authorization");
  return header === undefined ? getCookie(c, cookieName(c)) : (bearerOf(header) ?? header);
}

export function addressOf(c: Context, behindProxy: boolean): string {
  const told = behindProxy ? c.req.header("x-forwarded-for")?.split(",").at(-1)?.trim() : undefined;
  if (told !== undefined && told !== "") return told;
  // Without a socket where a test asks the router itself.
  return c.env === undefined || !("incoming" in c.env) ? "unknown" : (getConnInfo(c).remote.address ?? "unknown");
}

interface Route {
  readonly action: string;
  /** Pattern of the address: "/api/v1/projects/:project". */
  readonly path: string;
}

function routeOf(c: Context): Route {
  const found = matchedRoutes(c).find(({ path }) => !path.endsWith("*"));
  if (found !== undefined) return { action: `${found.method} ${found.path}`, path: found.path };
  return { action: c.req.path.startsWith("/api/") ? "ALL /api/*" : "GET *", path: "" };
}

function projectOf(c: Context, { action, path }: Route): string | undefined {
  const rule = rules[action];
  if (rule === undefined || rule === "open") return undefined;
  if (rule.project === "filter") return c.req.query("project") || undefined;
  if (rule.project !== "path") return undefined;
  const segment = c.req.path.split("/")[path.split("/").indexOf(":project")] ?? "";
  return decoded(segment);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
