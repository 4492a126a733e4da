// What routes share: parameters, and answers with every status they may have.

import { z } from "@hono/zod-openapi";
import { Problem } from "./schema.ts";

export const RunParameters = z.object({
  project: z
    .string()
    .min(1)
    .openapi({ param: { name: "project", in: "path" } }),
  run: z
    .string()
    .min(1)
    .openapi({ param: { name: "run", in: "path" }, description: "The run's id" }),
});

export const limitParameter = (most: number, usual: number) =>
  z.coerce
    .number()
    .int()
    .min(1)
    .max(most)
    .default(usual)
    .openapi({ description: `Items on a page, 1 to ${most}` });

export const cursorParameter = z.string().optional().openapi({ description: "`nextCursor` of the page before" });

export const problem = (description: string) => ({ description, content: { "application/problem+json": { schema: Problem } } });

export const problems = {
  400: problem("A parameter is not valid; `errors` says which"),
  401: problem("The key is missing or not valid"),
  403: problem("The key may not do this, or the request comes from another site's page"),
  404: problem("There is no such thing"),
  421: problem("The Host header names another server"),
  422: problem("The answer would exceed a limit"),
  429: problem("Too many attempts with a wrong key; see Retry-After"),
  500: problem("A bug in the server"),
  503: problem("Storage is away; see Retry-After"),
  504: problem("The query ran into its time limit"),
};

export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

/** A successful answer and every way to fail. */
export function answers<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { 200: json(schema, description), ...problems };
}
