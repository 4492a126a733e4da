// Lets only the page's own names in: a Host that we do not answer to is another site's name pointed at this machine (DNS
// rebinding), a foreign Origin is another site's script (CSRF). Requests of programs carry no Origin. This does not
// replace keys: it keeps web sites out, not other users of the machine.

import type { MiddlewareHandler } from "hono";
import { answerProblem, problemOf } from "./problem.ts";

/**
 * @param allowedHosts asked at every request. "name:port" answers on that port, a bare "name" on any.
 * @param publicUrl where people reach the page, when a proxy gives it another name.
 */
export function hostGuard(allowedHosts: () => readonly string[], publicUrl: () => string): MiddlewareHandler {
  return async (c, next) => {
    const allowed = allowedHosts().map((name) => name.toLowerCase());
    const host = (c.req.header("host") ?? new URL(c.req.url).host).toLowerCase();
    if (!answersTo(host, allowed)) {
      const detail = `Host is ${JSON.stringify(host)}; this server answers to ${allowed.join(", ")}. Use one of these, or start it with --allowed-hosts.`;
      return answerProblem(c, problemOf("wrong-host", detail));
    }
    const origin = c.req.header("origin")?.toLowerCase();
    if (origin !== undefined && !isOwnOrigin(origin, allowed, publicUrl())) {
      const detail = `Origin is ${JSON.stringify(origin)}; only the server's own page may call it from a browser. Add its host to --allowed-hosts if it is yours.`;
      return answerProblem(c, problemOf("wrong-origin", detail));
    }
    return await next();
  };
}

const answersTo = (host: string, allowed: readonly string[]): boolean =>
  allowed.includes(host) || allowed.includes(host.replace(/:\d+$/, ""));

function isOwnOrigin(origin: string, allowed: readonly string[], publicUrl: string): boolean {
  if (URL.canParse(publicUrl) && new URL(publicUrl).origin === origin) return true;
  const host = /^https?:\/\/([^/]+)$/.exec(origin)?.[1];
  return host !== undefined && answersTo(host, allowed);
}
