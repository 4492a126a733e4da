// float64 in JSON: non-finite values by name, so that NaN arrives as NaN and never as null or a hole.

import { z } from "@hono/zod-openapi";

/** A float64 as JSON can carry it. (Literals, as TypeScript 7 declares an enum's -Infinity wrongly.) */
export const Float = z
  .union([z.number(), z.literal(["NaN", "Infinity", "-Infinity"])])
  .openapi("Float", { description: "A number, or the name of a non-finite one" });
export type Float = z.infer<typeof Float>;

export function jsonFloat(value: number): Float {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}
