// Tensor summaries: the list, one statistic of many tensors over time, and the histograms of one tensor. Summaries of
// several ranks are added only where the ranks hold pieces of the tensor; of copies one rank is read.

import { z } from "zod";
import { defineQuery, Double, Integer, UInt64 } from "../query.ts";
import { Doubles } from "./number-columns.ts";
import { cutParameters, notCut } from "./session-cut.ts";

const tensorInfo = {
  tensor: z.string().transform(BigInt),
  name: z.string(),
  kind: z.enum(["weight", "gradient", "update", "activation", "pre-activation", "input", "output", "label", "custom", "state-gradient"]),
  phase: z.enum(["train", "evaluation", "none"]),
  layer: z.string(),
  topological_index: Integer,
  role: z.enum(["kernel", "bias", "normalization", "embedding", "recurrent-kernel", "none"]),
  placement: z.enum(["replicated", "sharded"]),
  dtype: z.string(),
  shape: z.array(z.number()),
  activation: z.string(),
};

/** Input side first. */
export const runTensors = defineQuery({
  name: "run-tensors",
  sql: `SELECT toString(tensor) AS tensor, name, kind, phase, layer, topological_index, role, placement, dtype, shape, activation
    FROM tensor_infos FINAL WHERE run = {run:UInt64} ORDER BY topological_index, layer, name, kind, phase`,
  parameters: z.object({ run: UInt64 }),
  row: z.object(tensorInfo),
});

const selection = { run: UInt64, tensors: z.array(z.bigint()), sharded: z.array(z.bigint()), rank: z.int(), ...cutParameters };

const visible = `FROM tensors FINAL WHERE run = {run:UInt64} AND tensor IN {tensors:Array(UInt64)}
  AND (rank = {rank:UInt32} OR tensor IN {sharded:Array(UInt64)}) AND ${notCut}`;

/** Distinct steps of the selection. */
export const tensorExtent = defineQuery({
  name: "tensor-extent",
  sql: `SELECT uniqExact(step) AS steps, min(step) AS step_min, max(step) AS step_max FROM (SELECT step ${visible})`,
  parameters: z.object(selection),
  row: z.object({ steps: Integer, step_min: Integer, step_max: Integer }),
});

const finite = "(elements - nan_count - infinite)";
const orNaN = (expression: string): string => `if(${finite} = 0, nan, ${expression})`;

/** Of the summary of one tensor at one step, all its shards together; NULL where it was not measured. */
const statistics = {
  norm: orNaN("sqrt(total_squares)"),
  mean: orNaN(`total / ${finite}`),
  std: orNaN(`sqrt(greatest(0, total_squares / ${finite} - pow(total / ${finite}, 2)))`),
  min: orNaN("minimum"),
  max: orNaN("maximum"),
  "zero-share": "zero / elements",
  "non-finite": "toFloat64(nan_count + infinite)",
  "dead-share": "if(units = 0, NULL, dead / units)",
} as const;
type Statistic = keyof typeof statistics;

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
            FROM (
              SELECT tensor, step, sum(t.elements) AS elements, sum(t.nan_count) AS nan_count, sum(t.positive_infinity + t.negative_infinity) AS infinite,
                sum(t.zero) AS zero, sum(t.units) AS units, sum(t.units_active_below_2_permille) AS dead,
                sum(t.total) AS total, sum(t.total_squares) AS total_squares,
                minIf(t.minimum, NOT isNaN(t.minimum)) AS minimum, maxIf(t.maximum, NOT isNaN(t.maximum)) AS maximum
              FROM (SELECT * ${visible}) AS t
              GROUP BY tensor, step
            )
          ) GROUP BY tensor, column
        ) GROUP BY tensor
      )`,
    parameters: z.object({ ...selection, every_step: z.int(), origin: z.int(), width: z.int().min(1) }),
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

/** Whole summaries by ascending (step, rank), a page after (`after_step`, `after_rank`). */
export const tensorSummaries = defineQuery({
  name: "tensor-summaries",
  sql: `SELECT step, rank, elements, nan_count, positive_infinity + negative_infinity AS infinite, zero, minimum, maximum, total, total_squares,
      has_histogram, scale, zero_threshold, toFloat64(zero_count) AS zero_count,
      positive_offset, arrayMap(c -> toFloat64(c), positive_counts) AS positive,
      negative_offset, arrayMap(c -> toFloat64(c), negative_counts) AS negative
    FROM (SELECT * ${visible} AND step >= {after_step:Int64} AND (step, rank) > ({after_step:Int64}, {after_rank:Int64}))
    ORDER BY step, rank LIMIT {limit:UInt32}`,
  parameters: z.object({ ...selection, after_step: z.int(), after_rank: z.int(), limit: z.int() }),
  row: z.object({
    step: Integer,
    rank: Integer,
    elements: Integer,
    nan_count: Integer,
    infinite: Integer,
    zero: Integer,
    minimum: Double,
    maximum: Double,
    total: Double,
    total_squares: Double,
    has_histogram: z.number(),
    scale: z.number(),
    zero_threshold: z.number(),
    zero_count: z.number(),
    positive_offset: z.number(),
    positive: Doubles,
    negative_offset: z.number(),
    negative: Doubles,
  }),
});
