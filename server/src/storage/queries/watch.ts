// What the watcher reads when it meets a run that another server, or this one before a restart, was watching.

import { z } from "zod";
import { defineQuery, Double, Integer, UInt64 } from "../query.ts";
import { Doubles } from "./number-columns.ts";

const BigInteger = z.string().transform(BigInt);

export const detectorSnapshot = defineQuery({
  name: "detector-snapshot",
  sql: `SELECT state FROM detector_snapshots FINAL WHERE run = {run:UInt64} AND rank = 0`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ state: z.string() }),
});

/** Facts, metric definitions, checkpoints and alerts of the run's own, oldest first. */
export const watchedEvents = defineQuery({
  name: "watched-events",
  sql: `SELECT kind, rank, step, toString(ver) AS ver, body FROM run_events FINAL
    WHERE run = {run:UInt64} AND kind IN ('facts', 'metric-definition', 'checkpoint', 'opened', 'user-alert')
    ORDER BY run_events.ver, sequence, position`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ kind: z.string(), rank: Integer, step: Integer.nullable(), ver: BigInteger, body: z.string() }),
});

export const rankSessionStarts = defineQuery({
  name: "rank-session-starts",
  sql: `SELECT rank, session, toString(ver_start) AS ver_start FROM sessions FINAL WHERE run = {run:UInt64} ORDER BY sessions.ver_start`,
  parameters: z.object({ run: UInt64 }),
  row: z.object({ rank: Integer, session: Integer, ver_start: BigInteger }),
});

/** Scalars after the cursor, one row a (batch, metric). Ranks that the cursor does not name are read whole. */
export const scalarsSince = defineQuery({
  name: "scalars-since",
  sql: `SELECT rank, toString(ver) AS ver, name, steps, times, values FROM (
      SELECT rank, ver, metric, groupArray(step) AS steps, groupArray(time_ms) AS times, groupArray(value) AS values
      FROM (
        SELECT rank, ver, metric, step, time_ms, value FROM scalars
        WHERE run = {run:UInt64} AND ver > {since:UInt64}
        ORDER BY rank, ver, metric, step
        LIMIT {rows:UInt64}
      ) GROUP BY rank, ver, metric
    ) AS s INNER JOIN (SELECT metric, name FROM metrics FINAL WHERE run = {run:UInt64}) AS m USING metric
    ORDER BY s.ver, rank, name`,
  parameters: z.object({ run: UInt64, since: UInt64, rows: z.int() }),
  row: z.object({
    rank: Integer,
    ver: BigInteger,
    name: z.string(),
    steps: z.array(z.coerce.number()),
    times: z.array(z.coerce.number()),
    values: z.array(Double),
  }),
});

export const tensorsSince = defineQuery({
  name: "tensors-since",
  sql: `SELECT rank, toString(t.ver) AS ver, step, time_ms, toString(t.tensor) AS tensor_key, name, kind, layer, topological_index, role, phase, activation,
      samples, elements, nan_count, positive_infinity, negative_infinity, zero, minimum, maximum, total, total_squares, total_absolute,
      units, units_active_below_2_permille, units_active_below_1_percent, units_zero_spread, derivative_below_5_percent, update_surprise_rms
    FROM (SELECT * EXCEPT (positive_counts, negative_counts, unit_means, unit_stds) FROM tensors WHERE run = {run:UInt64} AND ver > {since:UInt64} LIMIT {rows:UInt64}) AS t
    INNER JOIN (SELECT tensor, name, kind, layer, topological_index, role, phase, activation FROM tensor_infos FINAL WHERE run = {run:UInt64}) AS i USING tensor
    ORDER BY t.ver, rank, step`,
  parameters: z.object({ run: UInt64, since: UInt64, rows: z.int() }),
  row: z.object({
    rank: Integer,
    ver: BigInteger,
    step: Integer,
    time_ms: Integer,
    tensor_key: z.string(),
    name: z.string(),
    kind: z.enum(["weight", "gradient", "update", "activation", "pre-activation", "input", "output", "label", "custom", "state-gradient"]),
    layer: z.string(),
    topological_index: Integer,
    role: z.enum(["kernel", "bias", "normalization", "embedding", "recurrent-kernel", "none"]),
    phase: z.enum(["train", "evaluation", "none"]),
    activation: z.string(),
    samples: Integer,
    elements: Integer,
    nan_count: Integer,
    positive_infinity: Integer,
    negative_infinity: Integer,
    zero: Integer,
    minimum: Double,
    maximum: Double,
    total: Double,
    total_squares: Double,
    total_absolute: Double,
    units: Integer,
    units_active_below_2_permille: Integer,
    units_active_below_1_percent: Integer,
    units_zero_spread: Integer,
    derivative_below_5_percent: Double,
    update_surprise_rms: Double,
  }),
});

/** The newest values by unit, which few tensors have: apart, so that they do not swell all the other rows. */
export const unitValuesSince = defineQuery({
  name: "unit-values-since",
  sql: `SELECT rank, toString(t.ver) AS ver, step, toString(tensor) AS tensor,
      arrayMap(m -> toFloat64(m), unit_means) AS means, arrayMap(s -> toFloat64(s), unit_stds) AS stds
    FROM tensors AS t WHERE run = {run:UInt64} AND t.ver > {since:UInt64} AND (notEmpty(unit_means) OR notEmpty(unit_stds))
    ORDER BY t.ver DESC LIMIT {rows:UInt64}`,
  parameters: z.object({ run: UInt64, since: UInt64, rows: z.int() }),
  row: z.object({ rank: Integer, ver: BigInteger, step: Integer, tensor: z.string(), means: Doubles, stds: Doubles }),
});

/** The newest class records, in the order in which they were logged. */
export const classesSince = defineQuery({
  name: "classes-since",
  sql: `SELECT rank, toString(ver) AS ver, body FROM (
      SELECT rank, ver, sequence, position, body FROM run_events FINAL
      WHERE run = {run:UInt64} AND kind = 'class' AND run_events.ver > {since:UInt64}
      ORDER BY run_events.ver DESC, sequence DESC, position DESC LIMIT {rows:UInt64}
    ) AS e ORDER BY e.ver, sequence, position`,
  parameters: z.object({ run: UInt64, since: UInt64, rows: z.int() }),
  row: z.object({ rank: Integer, ver: BigInteger, body: z.string() }),
});
