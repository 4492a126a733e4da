// Columns of numbers in an answer: checked in one loop instead of a schema per element, because a page of charts has
// hundreds of thousands of them.

import { z } from "zod";

const named: Readonly<Record<string, number>> = { nan: Number.NaN, "-nan": Number.NaN, inf: Infinity, "-inf": -Infinity };

/** An array of float64, or of integers cast to it; non-finite ones arrive by name. */
export const Doubles = z.array(z.unknown(), "an array of numbers").transform((values, context): number[] => {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === "number") continue;
    const number = typeof value === "string" ? named[value] : undefined;
    if (number === undefined) {
      context.addIssue({ code: "custom", message: `element ${i} is ${JSON.stringify(value)}, not a number` });
      return z.NEVER;
    }
    values[i] = number;
  }
  return values as number[];
});
