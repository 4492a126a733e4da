// Shapes of facets, groups and keys.

import { z } from "@hono/zod-openapi";
import { Cell } from "./schema.ts";

export const RunFacets = z
  .object({
    facets: z.array(
      z.object({
        field: z.string(),
        distinct: z.number().int().openapi({ description: "Values there are; at most 100 are listed" }),
        values: z.array(z.object({ value: Cell, runs: z.number().int() })).openapi({ description: "Most frequent first; null: absent" }),
      }),
    ),
  })
  .openapi("RunFacets");
export type RunFacets = z.infer<typeof RunFacets>;

const real = z.number().nullable();

export const RunGroups = z
  .object({
    of: z.array(z.string()),
    groups: z.array(
      z.object({
        value: Cell,
        runs: z.number().int().openapi({ description: "All runs of the group" }),
        statistics: z
          .array(
            z.object({
              count: z.number().int().openapi({ description: "Runs with a finite value" }),
              nonFinite: z.number().int().openapi({ description: "Runs with NaN or an infinity; in none of the numbers" }),
              mean: real,
              std: real.openapi({ description: "Of the sample; null below two values" }),
              median: real,
              min: real,
              max: real,
            }),
          )
          .openapi({ description: "Of each field in `of`" }),
      }),
    ),
    complete: z.boolean().openapi({ description: "False: there are more than 1000 groups, the largest are here" }),
  })
  .openapi("RunGroups");
export type RunGroups = z.infer<typeof RunGroups>;

const names = z.array(z.object({ name: z.string(), runs: z.number().int() }));
export const RunKeys = z.object({ config: names, fact: names, summary: names }).openapi("RunKeys");
export type RunKeys = z.infer<typeof RunKeys>;
