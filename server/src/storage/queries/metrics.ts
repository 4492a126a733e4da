// Metrics of runs: names, extents and last values.

import { z } from "zod";
import { defineQuery, Double, Integer, UInt64 } from "../query.ts";
import { cutParameters, notCut } from "./session-cut.ts";

/** Every metric of a run over all its ranks; `last` is the lowest rank's at the largest step. */
export const runMetrics = defineQuery({
  name: "run-metrics",
  sql: `SELECT name, ranks, points, non_finite, step_min, step_max, last, low, high FROM (
      SELECT metric, arraySort(groupUniqArray(rank)) AS ranks, count() AS points, countIf(NOT isFinite(value)) AS non_finite,
        min(step) AS step_min, max(step) AS step_max, argMax(value, (step, -toInt64(rank))) AS last,
        minOrNullIf(value, isFinite(value)) AS low, maxOrNullIf(value, isFinite(value)) AS high
      FROM (SELECT metric, rank, step, value FROM scalars FINAL WHERE run = {run:UInt64} AND ${notCut})
      GROUP BY metric
    ) AS s INNER JOIN (SELECT metric, name FROM metrics FINAL WHERE run = {run:UInt64}) AS m USING metric
    ORDER BY name`,
  parameters: z.object({ run: UInt64, ...cutParameters }),
  row: z.object({
    name: z.string(),
    ranks: z.array(z.number()),
    points: Integer,
    non_finite: Integer,
    step_min: Integer,
    step_max: Integer,
    last: Double,
    low: z.number().nullable(),
    high: z.number().nullable(),
  }),
});

/**
 * Last value of the metrics that tell most of each run, and the largest step of each. Without FINAL: of the rows at the
 * largest step the newest is taken, and that one decides whether the step is abandoned.
 */
export const runSummaries = defineQuery({
  name: "run-summaries",
  sql: `SELECT toString(run) AS run, name, last, step_max FROM (
      SELECT run, metric, argMax(value, (step, -toInt64(rank), ver)) AS last, max(step) AS step_max
      FROM scalars
      WHERE (run, metric) IN (
        SELECT run, metric FROM metrics FINAL WHERE run IN {runs:Array(UInt64)}
        ORDER BY multiIf(match(name, '(?i)(^|[/_. ])loss$'), 0, match(name, '(?i)loss|acc|error|score|perplexity|norm'), 1, startsWith(name, 'step/'), 3, startsWith(name, 'system/'), 4, 2), name
        LIMIT {metrics_per_run:UInt32} BY run
      ) AND ${notCut}
      GROUP BY run, metric
    ) AS s INNER JOIN (SELECT run, metric, name FROM metrics FINAL WHERE run IN {runs:Array(UInt64)}) AS m USING (run, metric)
    ORDER BY s.run, name`,
  parameters: z.object({ runs: z.array(z.bigint()), metrics_per_run: z.int(), ...cutParameters }),
  row: z.object({ run: z.string().transform(BigInt), name: z.string(), last: Double, step_max: Integer }),
});

/** The user's definitions of metrics, oldest first: a later one wins. */
export const metricDefinitions = defineQuery({
  name: "metric-definitions",
  sql: `SELECT body FROM run_events FINAL WHERE run = {run:UInt64} AND kind = 'metric-definition' ORDER BY ver, sequence, position`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ body: z.string() }),
});
