// float64 on its way into JSON: non-finite values by name, so that NaN arrives as NaN and never as null or a hole.

import type { Float } from "./schema.ts";

export function jsonFloat(value: number): Float {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}
