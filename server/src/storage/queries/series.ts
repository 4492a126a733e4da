// Scalar series as buckets: however far zoomed out, no minimum, maximum or non-finite value is lost. Two reads: how
// long each series is, then all of them at once, the short ones point by point.

import { z } from "zod";
import { defineQuery, Integer } from "../query.ts";
import { Doubles } from "./number-columns.ts";
import { cutParameters, notCut } from "./session-cut.ts";

const selection = {
  runs: z.array(z.bigint()),
  metrics: z.array(z.bigint()),
  step_from: z.int(),
  step_to: z.int(),
  ...cutParameters,
};

const visible = `FROM scalars FINAL WHERE run IN {runs:Array(UInt64)} AND metric IN {metrics:Array(UInt64)}
  AND step >= {step_from:Int64} AND step <= {step_to:Int64} AND ${notCut}`;

export const seriesExtents = defineQuery({
  name: "series-extents",
  sql: `SELECT toString(run) AS run, toString(metric) AS metric, rank, count() AS points, min(step) AS step_min, max(step) AS step_max
    FROM (SELECT run, metric, rank, step ${visible}) GROUP BY run, metric, rank`,
  parameters: z.object(selection),
  row: z.object({
    run: z.string().transform(BigInt),
    metric: z.string().transform(BigInt),
    rank: Integer,
    points: Integer,
    step_min: Integer,
    step_max: Integer,
  }),
});

/**
 * One row a series, its buckets as columns by ascending step. Buckets are `width` steps wide from `origin` on; a series
 * named in `whole_*` keeps every point. The mean is taken of scaled values, so that large ones do not overflow.
 * min, max and mean mean nothing where `count` equals `nonFinite`.
 */
export const seriesBuckets = defineQuery({
  name: "series-buckets",
  sql: `SELECT toString(run) AS run, toString(metric) AS metric, rank, buckets.1 AS step, buckets.2 AS stepLast, buckets.3 AS time,
      buckets.4 AS min, buckets.5 AS max, buckets.6 AS mean, buckets.7 AS last, buckets.8 AS count, buckets.9 AS nonFinite
    FROM (
      SELECT run, metric, rank,
        arraySort(b -> b.1, groupArray((first_step, last_step, last_time, low, high, middle, last_value, points, bad))) AS buckets
      FROM (
        SELECT run, metric, rank,
          toFloat64(min(step)) AS first_step, toFloat64(max(step)) AS last_step, toFloat64(argMax(time_ms, step)) AS last_time,
          minIf(value, isFinite(value)) AS low, maxIf(value, isFinite(value)) AS high,
          avgIf(value / 1048576, isFinite(value)) * 1048576 AS middle, argMax(value, step) AS last_value,
          toFloat64(count()) AS points, toFloat64(countIf(NOT isFinite(value))) AS bad
        FROM (SELECT run, metric, rank, step, time_ms, value ${visible})
        GROUP BY run, metric, rank, if((run, metric, rank) IN (
          SELECT w.1, w.2, w.3 FROM (
            SELECT arrayJoin(arrayZip({whole_runs:Array(UInt64)}, {whole_metrics:Array(UInt64)}, {whole_ranks:Array(UInt32)})) AS w
          )), step, intDiv(step - {origin:Int64}, {width:Int64})) AS bucket
      ) GROUP BY run, metric, rank
    )`,
  parameters: z.object({
    ...selection,
    whole_runs: z.array(z.bigint()),
    whole_metrics: z.array(z.bigint()),
    whole_ranks: z.array(z.int()),
    origin: z.int(),
    width: z.int().min(1),
  }),
  row: z.object({
    run: z.string().transform(BigInt),
    metric: z.string().transform(BigInt),
    rank: Integer,
    step: Doubles,
    stepLast: Doubles,
    time: Doubles,
    min: Doubles,
    max: Doubles,
    mean: Doubles,
    last: Doubles,
    count: Doubles,
    nonFinite: Doubles,
  }),
});
