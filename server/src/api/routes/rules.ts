// The rules there are, and what each thinks of a run.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type ApiDeps, readContext, requireRun } from "../deps.ts";
import { ProblemError } from "../problem.ts";
import { answers, RunParameters } from "../route-parts.ts";
import { rulePages } from "../rule-pages.ts";
import { Rule, RuleStatus } from "../schema.ts";

const listRules = createRoute({
  method: "get",
  path: "/rules",
  summary: "Rules, by the precedence of causes",
  responses: answers(z.object({ rules: z.array(Rule) }), "Every rule, with its page"),
});

const getRuleStatus = createRoute({
  method: "get",
  path: "/projects/{project}/runs/{run}/rules",
  summary: "What each rule thinks of a run",
  request: { params: RunParameters },
  responses: answers(z.object({ rules: z.array(RuleStatus) }), "One entry a rule"),
});

export function ruleRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const rules = rulePages();
  app.openapi(listRules, (c) => c.json({ rules }, 200));

  app.openapi(getRuleStatus, async (c) => {
    const { project, run } = c.req.valid("param");
    await requireRun(project, run, readContext(c, deps));
    const status = await deps.ruleStatus(project, run);
    if (status === undefined)
      throw new ProblemError("not-found", `project ${JSON.stringify(project)} has no run ${JSON.stringify(run)}, or it was deleted.`);
    return c.json({ rules: [...status] }, 200);
  });
}
