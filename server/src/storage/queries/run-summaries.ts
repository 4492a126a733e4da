// What a row of run_summaries is made of, and which rows have to be made again.

import { z } from "zod";
import { defineQuery, Integer } from "../query.ts";
import { deletedRuns } from "./deleted-runs.ts";
import { Doubles } from "./number-columns.ts";
import { cutParameters, notCut } from "./session-cut.ts";

const BigInteger = z.string().transform(BigInt);

/**
 * Runs whose row is missing, or was made before everything said by their last sign of life could be in it. A row is left
 * alone for `interval_ms`. Every commit is a sign of life by the server's clock; `settle_ms` is how long after the sign
 * something may still be written.
 */
export const dueRuns = defineQuery({
  name: "due-runs",
  sql: `SELECT toString(r.run) AS run FROM (SELECT run FROM runs FINAL WHERE run NOT IN ${deletedRuns}) AS r
    LEFT JOIN (SELECT run, as_of_ms FROM run_summaries FINAL) AS s ON s.run = r.run
    LEFT JOIN (SELECT run, max(time_ms) AS last_ms FROM heartbeats GROUP BY run) AS h ON h.run = r.run
    WHERE s.as_of_ms = 0 OR (s.as_of_ms < h.last_ms + {settle_ms:Int64} AND s.as_of_ms <= {now_ms:Int64} - {interval_ms:Int64})
    ORDER BY s.as_of_ms, r.run LIMIT {limit:UInt32}`,
  parameters: z.object({ now_ms: z.int(), settle_ms: z.int(), interval_ms: z.int(), limit: z.int() }),
  row: z.object({ run: BigInteger }),
});

export const runIdentities = defineQuery({
  name: "run-identities",
  sql: `SELECT project, toString(run) AS run, id, created_ms FROM runs FINAL
    WHERE run IN {runs:Array(UInt64)} AND run NOT IN ${deletedRuns}`,
  parameters: z.object({ runs: z.array(z.bigint()) }),
  row: z.object({ project: z.string(), run: BigInteger, id: z.string(), created_ms: Integer }),
});

/** Metrics that people look at first; of the others the names decide. */
const telling =
  "multiIf(match(name, '(?i)(^|[/_. ])loss$'), 0, match(name, '(?i)loss|acc|error|score|perplexity|norm'), 1, startsWith(name, 'step/'), 3, startsWith(name, 'system/'), 4, 2)";

/** Points that were sealed and are about to go are not counted beside what was sealed of them. An absent run has element 0, day 0. */
const notSealed = `(empty({sealed_runs:Array(UInt64)})
  OR received_day >= ({sealed_days:Array(Date)})[indexOf({sealed_runs:Array(UInt64)}, run)])`;

/**
 * One row a run, its metrics as columns: aggregates of the points that the series route shows, over all ranks. `last` is
 * the lowest rank's at the largest step, `first` at the smallest. min, max and their steps are of finite values, of equal
 * ones the smallest step; without a finite value they mean nothing.
 */
export const metricAggregates = defineQuery({
  name: "metric-aggregates",
  sql: `SELECT toString(run) AS run, m.3 AS keys, m.2 AS names, m.4 AS count, m.5 AS nonfinite, m.6 AS first, m.7 AS last, m.8 AS min, m.9 AS max,
      m.10 AS argmin, m.11 AS argmax, step_max
    FROM (
      SELECT run, max(step_largest) AS step_max, arraySlice(arraySort(groupArray(
          (${telling}, name, toString(metric), points, bad, first_value, last_value, low, high, low_step, high_step))), 1, {metrics_per_run:UInt32}) AS m
      FROM (
        SELECT run, metric, toFloat64(count()) AS points, toFloat64(countIf(NOT isFinite(value))) AS bad,
          argMin(value, (step, rank)) AS first_value, argMax(value, (step, -toInt64(rank))) AS last_value,
          minIf(value, isFinite(value)) AS low, maxIf(value, isFinite(value)) AS high,
          toFloat64(argMinIf(step, (value, step), isFinite(value))) AS low_step,
          toFloat64(argMaxIf(step, (value, -step), isFinite(value))) AS high_step, max(step) AS step_largest
        FROM (SELECT run, metric, rank, step, value FROM scalars FINAL WHERE run IN {runs:Array(UInt64)} AND ${notCut} AND ${notSealed})
        GROUP BY run, metric
      ) AS a INNER JOIN (SELECT run, metric, name FROM metrics FINAL WHERE run IN {runs:Array(UInt64)}) AS n USING (run, metric)
      GROUP BY run
    )`,
  parameters: z.object({
    runs: z.array(z.bigint()),
    metrics_per_run: z.int(),
    sealed_runs: z.array(z.bigint()),
    sealed_days: z.array(z.string()),
    ...cutParameters,
  }),
  row: z.object({
    run: BigInteger,
    step_max: Integer,
    keys: z.array(z.string()),
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

/** Rules that raised incidents on these runs, how many fire, and the verdicts given. */
export const incidentFacts = defineQuery({
  name: "incident-facts",
  sql: `SELECT toString(run) AS run, arraySort(groupUniqArray(rule)) AS rules, countIf(now = 'firing') AS firing,
      arraySort(groupUniqArrayIf(verdict, verdict != '')) AS verdicts
    FROM (
      SELECT run, incident, any(rule) AS rule, argMax(state, (transition, time_ms)) AS now,
        argMax(JSONExtractString(body, 'verdict'), (transition, time_ms)) AS verdict
      FROM incident_events WHERE run IN {runs:Array(UInt64)} GROUP BY run, incident
    ) GROUP BY run`,
  parameters: z.object({ runs: z.array(z.bigint()) }),
  row: z.object({ run: BigInteger, rules: z.array(z.string()), firing: Integer, verdicts: z.array(z.string()) }),
});
