// What is known of points that expired: the aggregates that their run's summary had.

import { z } from "zod";
import { defineQuery, Integer } from "../query.ts";
import { Doubles } from "./number-columns.ts";

export const sealedMetrics = defineQuery({
  name: "sealed-metrics",
  sql: `SELECT toString(run) AS run, toString(received_before) AS day, step_max, names, count, nonfinite, first, last, min, max, argmin, argmax
    FROM sealed_metrics FINAL WHERE run IN {runs:Array(UInt64)}`,
  parameters: z.object({ runs: z.array(z.bigint()) }),
  row: z.object({
    run: z.string().transform(BigInt),
    day: z.string(),
    step_max: Integer.nullable(),
    names: z.array(z.string()),
    count: Doubles,
    nonfinite: Doubles,
    first: Doubles,
    last: Doubles,
    min: Doubles,
    max: Doubles,
    argmin: Doubles,
    argmax: Doubles,
  }),
});
export type SealedMetrics = (typeof sealedMetrics)["row"]["_output"];
