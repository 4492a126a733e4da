// What users said about a run after it was opened: of every property the last word counts, and it counts more than what
// the training said when it was opened or resumed.

import { z } from "zod";

/** The body of an `edited` event: only what was changed. */
export const RunEdit = z.object({
  name: z.string().optional(),
  tags: z.array(z.string()).optional(),
  notes: z.string().optional(),
  archived: z.boolean().optional(),
  pinned: z.boolean().optional(),
});
export type RunEdit = z.infer<typeof RunEdit>;

/** @param bodies oldest first */
export const foldEdits = (bodies: readonly unknown[]): RunEdit =>
  Object.assign({}, ...bodies.map((body) => RunEdit.parse(body))) as RunEdit;
