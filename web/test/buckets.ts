// Buckets of one point each; null stands for a NaN.

import type { Buckets } from "@gradwatch/server/api-types";

export function buckets(points: readonly (readonly [step: number, value: number | null])[]): Buckets {
  const values = points.map(([, value]) => value);
  return {
    step: points.map(([step]) => step),
    stepLast: points.map(([step]) => step),
    time: points.map(([step]) => 1_700_000_000_000 + step),
    min: [...values],
    max: [...values],
    mean: [...values],
    last: values.map((value) => value ?? "NaN"),
    count: points.map(() => 1),
    nonFinite: values.map((value) => (value === null ? 1 : 0)),
  };
}
