// A browser's key: POST /session takes a key once and gives a cookie that scripts cannot read; DELETE /session ends it. GET /me
// tells a program or the page who it is.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { isFailure } from "../../auth/access.ts";
import { parseApiKey, textOf } from "../../auth/api-key.ts";
import { createSession, sessionMs } from "../../auth/session.ts";
import { hasScope } from "../../auth/authorize.ts";
import type { Principal } from "../../auth/principal.ts";
import { addressOf, answerFailure, cookieName, principalOf } from "../access-guard.ts";
import type { ApiDeps } from "../deps.ts";
import { answerProblem, problemOf } from "../problem.ts";
import { answers } from "../route-parts.ts";
import { Me } from "../schema.ts";

const startSession = createRoute({
  method: "post",
  path: "/session",
  summary: "A cookie for a key",
  description: "The cookie may do what the key may, but for managing keys and sending data, for 30 days or until the key ends.",
  request: { body: { required: true, content: { "application/json": { schema: z.object({ key: z.string().min(1).max(200) }) } } } },
  responses: answers(Me, "The cookie is set"),
});

const endSession = createRoute({
  method: "delete",
  path: "/session",
  summary: "Ends the session of the cookie",
  responses: answers(z.object({}), "There is no session any more"),
});

const getMe = createRoute({ method: "get", path: "/me", summary: "Who the key belongs to", responses: answers(Me, "The key") });

export function sessionRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const { access } = deps;
  const { keyring } = access;
  const me = (who: Principal): Me => ({
    key: who.key,
    owner: who.owner,
    scopes: [...who.scopes],
    projects: [...who.projects],
    grpcPort: deps.grpcPort(),
  });

  app.openapi(startSession, async (c) => {
    const { key: text } = c.req.valid("json");
    const who = await access.authenticate(text, addressOf(c, deps.behindProxy));
    if (isFailure(who)) {
      deps.metrics.accessRefused("http", who.reason);
      return answerFailure(c, who) as never;
    }
    if (!hasScope(who, "read")) {
      const detail = `key ${who.key} of ${who.owner} has the scopes ${who.scopes.join(", ")}; the page needs read. Ask for a key with it.`;
      return answerProblem(c, problemOf("forbidden", detail)) as never;
    }
    const isSession = (await keyring.find(who.key))?.kind === "session";
    setCookie(c, cookieName(c), isSession ? text : textOf(await createSession(keyring, who.key, deps.nowMs())), {
      ...cookieOptions(deps),
      maxAge: sessionMs / 1000,
    });
    return c.json(me(who), 200);
  });

  app.openapi(endSession, async (c) => {
    const key = parseApiKey(getCookie(c, cookieName(c)) ?? "");
    const who = key === undefined ? undefined : await access.authenticate(textOf(key), addressOf(c, deps.behindProxy));
    if (who !== undefined && !isFailure(who)) await keyring.revoke(who.key, who.key);
    deleteCookie(c, cookieName(c), cookieOptions(deps));
    return c.json({}, 200);
  });

  app.openapi(getMe, (c) => c.json(me(principalOf(c)), 200));
}

const cookieOptions = ({ publicUrl }: ApiDeps) =>
  ({ path: "/", httpOnly: true, sameSite: "Strict", secure: publicUrl().startsWith("https:") }) as const;
