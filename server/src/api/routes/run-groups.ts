// Facets, groups and keys of runs.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type ApiDeps, readContext } from "../deps.ts";
import { answers } from "../route-parts.ts";
import { readFacets, readGroups, readKeys } from "../run-groups.ts";
import { RunFacets, RunGroups, RunKeys } from "../schema-runs.ts";
import { RunState } from "../schema.ts";

const which = z.object({
  project: z.string().min(1).optional(),
  filter: z.string().optional().openapi({ description: "See docs/filter-language.md" }),
  state: RunState.optional(),
  search: z.string().max(200).optional(),
});

const facets = createRoute({
  method: "get",
  path: "/runs/facets",
  summary: "How many runs have which values",
  request: { query: which.extend({ fields: z.string().min(1).openapi({ example: "state, tag, config.optimizer" }) }) },
  responses: answers(RunFacets, "Of each field its values, most frequent first"),
});

const groups = createRoute({
  method: "get",
  path: "/runs/groups",
  summary: "Runs grouped by a field, with statistics over all runs of each group",
  request: {
    query: which.extend({
      by: z.string().min(1).openapi({ example: "config.optimizer" }),
      of: z.string().min(1).optional().openapi({ example: 'summary."val/acc".max, duration' }),
    }),
  },
  responses: answers(RunGroups, "Groups, the largest first"),
});

const keys = createRoute({
  method: "get",
  path: "/runs/keys",
  summary: "Keys of config and facts, and metrics, that runs have",
  request: { query: which },
  responses: answers(RunKeys, "At most 1000 of each, most frequent first"),
});

export function runGroupRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(facets, async (c) => c.json(await readFacets(c.req.valid("query"), readContext(c, deps)), 200));
  app.openapi(groups, async (c) => c.json(await readGroups(c.req.valid("query"), readContext(c, deps)), 200));
  app.openapi(keys, async (c) => c.json(await readKeys(c.req.valid("query"), readContext(c, deps)), 200));
}
