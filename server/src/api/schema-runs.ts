// Shapes of the list of runs, its facets, groups and keys.

import { z } from "@hono/zod-openapi";
import { Float, Run } from "./schema.ts";

/** A field of a run; null: absent. Times are Unix ms, durations ms. */
export const Cell = z.union([Float, z.string(), z.boolean(), z.array(z.string()), z.null()]).openapi("Cell");
export type Cell = z.infer<typeof Cell>;

export const ListedRun = Run.extend({
  asOf: z.number().openapi({ description: "Unix ms: its numbers are those of this moment; a live run's are a few seconds old" }),
  cells: z.array(Cell).openapi({ description: "The columns that were asked for, in that order; then config and summary are empty" }),
}).openapi("ListedRun");
export type ListedRun = z.infer<typeof ListedRun>;

export const RunPage = z.object({ runs: z.array(ListedRun), nextCursor: z.string().nullable() }).openapi("RunPage");
export type RunPage = z.infer<typeof RunPage>;

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
