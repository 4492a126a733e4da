// One statistic of many tensors over time. Every statistic is of the summary of one tensor at one step, its shards added;
// where steps share a column, the column shows its extreme.

import { z } from "zod";
import { defineQuery } from "../query.ts";
import { Doubles } from "./number-columns.ts";
import { tensorSelection, visibleTensors } from "./tensors.ts";

const finite = "(elements - nan_count - infinite)";
const orNaN = (expression: string): string => `if(${finite} = 0, nan, ${expression})`;
/** Of its units; NULL where they were not counted. */
const ofUnits = (count: string): string => `if(units = 0, NULL, ${count} / units)`;

/** NULL where it was not measured. */
const statistics = {
  norm: orNaN("sqrt(total_squares)"),
  mean: orNaN(`total / ${finite}`),
  std: orNaN(`sqrt(greatest(0, total_squares / ${finite} - pow(total / ${finite}, 2)))`),
  min: orNaN("minimum"),
  max: orNaN("maximum"),
  "zero-share": "zero / elements",
  "non-finite": "toFloat64(nan_count + infinite)",
  // Without a weight of that step the join leaves 0.
  ratio: `if(weight_norm = 0, NULL, ${orNaN("sqrt(total_squares)")} / weight_norm)`,
  "dead-unit-share": ofUnits("dead"),
  "unspread-share": ofUnits("unspread"),
  "derivative-share": "if(derivative_elements = 0, NULL, flat / derivative_elements)",
  surprise: "if(surprise_elements = 0, NULL, sqrt(surprise_squares / surprise_elements))",
} as const;
type Statistic = keyof typeof statistics;

/** One row a (tensor, step). Shares and root mean squares of shards are weighted by their elements. */
const summaries = `SELECT tensor, step, sum(t.elements) AS elements, sum(t.nan_count) AS nan_count,
    sum(t.positive_infinity + t.negative_infinity) AS infinite, sum(t.zero) AS zero,
    sum(t.units) AS units, sum(t.units_active_below_2_permille) AS dead, sum(t.units_zero_spread) AS unspread,
    sumIf(t.elements, NOT isNaN(t.derivative_below_5_percent)) AS derivative_elements,
    sumIf(t.derivative_below_5_percent * t.elements, NOT isNaN(t.derivative_below_5_percent)) AS flat,
    sumIf(t.elements, NOT isNaN(t.update_surprise_rms)) AS surprise_elements,
    sumIf(pow(t.update_surprise_rms, 2) * t.elements, NOT isNaN(t.update_surprise_rms)) AS surprise_squares,
    sum(t.total) AS total, sum(t.total_squares) AS total_squares,
    minIf(t.minimum, NOT isNaN(t.minimum)) AS minimum, maxIf(t.maximum, NOT isNaN(t.maximum)) AS maximum
  FROM (SELECT * ${visibleTensors}) AS t
  GROUP BY tensor, step`;

/** With `weight_norm`, of the weight that `weights` has at the place of the tensor. NaN: it had no finite element. */
const withWeights = `SELECT s.*, w.weight_norm AS weight_norm
  FROM (SELECT *, transform(tensor, {tensors:Array(UInt64)}, {weights:Array(UInt64)}, toUInt64(0)) AS weight
    FROM (${summaries}) WHERE tensor NOT IN {denominators:Array(UInt64)}) AS s
  LEFT JOIN (SELECT tensor AS weight, step, ${orNaN("sqrt(total_squares)")} AS weight_norm FROM (${summaries})
    WHERE tensor IN {denominators:Array(UInt64)}) AS w ON s.weight = w.weight AND s.step = w.step`;

/** One row a tensor: for each column of steps its extreme, by absolute value; NaN only where there is nothing else. */
const matrixQuery = (statistic: Statistic) =>
  defineQuery({
    name: `tensor-matrix-${statistic}`,
    sql: `SELECT toString(tensor) AS tensor, columns.1 AS column, columns.2 AS step, columns.3 AS value, columns.4 AS non_finite, columns.5 AS measured
      FROM (
        SELECT tensor, arraySort(c -> c.1, groupArray((column, last_step, extreme, bad, measured))) AS columns
        FROM (
          SELECT tensor, toFloat64(if({every_step:UInt8} = 1, step, intDiv(step - {origin:Int64}, {width:Int64}))) AS column,
            toFloat64(max(step)) AS last_step,
            if(countIf(NOT isNaN(value)) = 0, nan, argMaxIf(assumeNotNull(value), abs(value), NOT isNaN(value))) AS extreme,
            toFloat64(sum(nan_count + infinite)) AS bad, toFloat64(count(value)) AS measured
          FROM (
            SELECT tensor, step, elements, nan_count, infinite, ${statistics[statistic]} AS value
            FROM (${statistic === "ratio" ? withWeights : summaries})
          ) GROUP BY tensor, column
        ) GROUP BY tensor
      )`,
    parameters: z.object({
      ...tensorSelection,
      every_step: z.int(),
      origin: z.int(),
      width: z.int().min(1),
      /** Of `ratio` only: parallel to `tensors`, the weight of each or 0; and which of the tensors are weights. */
      weights: z.array(z.bigint()),
      denominators: z.array(z.bigint()),
    }),
    row: z.object({
      tensor: z.string().transform(BigInt),
      column: Doubles,
      step: Doubles,
      value: Doubles,
      non_finite: Doubles,
      measured: Doubles,
    }),
  });

export const tensorMatrix = Object.fromEntries(
  Object.keys(statistics).map((statistic) => [statistic, matrixQuery(statistic as Statistic)]),
) as Record<Statistic, ReturnType<typeof matrixQuery>>;
