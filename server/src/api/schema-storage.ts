// What is on the server's disk, by project, run and kind, as the API tells it.

import { z } from "@hono/zod-openapi";
import { type ExpiringKind, expiringKinds } from "../storage/queries/retention.ts";
import { dataKinds } from "../storage/run-tables.ts";

const Amount = z.object({ rows: z.number().int(), bytes: z.number().int() });

export const StorageUse = z
  .object({
    tables: z
      .array(Amount.extend({ table: z.string(), parts: z.number().int(), waiting: z.number().int() }))
      .openapi({ description: "Exact, the largest first. waiting: bytes of replaced parts that leave the disk within minutes" }),
    bytes: z.number().int().openapi({ description: "Of all tables, exact" }),
    use: z
      .array(
        z.object({
          project: z.string().nullable().openapi({ description: "null: of runs that are not known (any more)" }),
          run: z.string().nullable().openapi({ description: "null where runs were not asked for" }),
          deleted: z.boolean().openapi({ description: "Can be brought back yet, or is about to leave the disk" }),
          bytes: z.number().int(),
          kinds: z.partialRecord(z.enum(dataKinds), Amount),
        }),
      )
      .openapi({ description: "The largest first. Bytes are estimates: in each part, the share that these rows have of all rows" }),
    freed: z
      .array(Amount.extend({ reason: z.enum(["deleted", "expired"]), runs: z.number().int(), lastAt: z.number() }))
      .openapi({ description: "What was removed so far, of deleted runs and by retention; bytes are estimates" }),
    asOf: z.number(),
  })
  .openapi("StorageUse");
export type StorageUse = z.infer<typeof StorageUse>;

export const ServerState = z
  .object({
    version: z.string(),
    disk: z.object({
      state: z.enum(["unknown", "ok", "low", "full"]).openapi({ description: "full: no data is taken; training processes keep theirs" }),
      usedBytes: z.number().nullable(),
      freeBytes: z.number().nullable(),
      message: z.string().nullable().openapi({ description: "For people, unless all is well" }),
    }),
  })
  .openapi("ServerState");
export type ServerState = z.infer<typeof ServerState>;

/** A hundred years. */
const retentionDaysMax = 36_500;

export const Retention = z
  .object({
    project: z.string(),
    kinds: z.array(
      z.object({
        kind: z.enum(expiringKinds),
        days: z
          .number()
          .int()
          .nullable()
          .openapi({ description: "Since anything of this kind was last received of a run; null: for ever" }),
        changedAt: z.number().nullable(),
        changedBy: z.string().nullable().openapi({ description: "Id of a key" }),
      }),
    ),
  })
  .openapi("Retention");
export type Retention = z.infer<typeof Retention>;

const days = z.number().int("whole days").min(1, "at least 1 day").max(retentionDaysMax, `at most ${retentionDaysMax} days`).nullable();

export const RetentionChange = z
  .strictObject(
    Object.fromEntries(expiringKinds.map((kind) => [kind, days.optional()])) as Record<ExpiringKind, z.ZodOptional<typeof days>>,
  )
  .refine((change) => Object.keys(change).length > 0, `nothing to change: name one of ${expiringKinds.join(", ")}, with days or null`)
  .openapi("RetentionChange");
