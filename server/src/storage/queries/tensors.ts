// Tensor summaries: the list, how far they reach, and the whole summaries of some. Summaries of several ranks are added
// only where the ranks hold pieces of the tensor; of copies one rank is read.

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

/** Of some tensors of a run: those of one rank, of the sharded ones those of all ranks. */
export const tensorSelection = { run: UInt64, tensors: z.array(z.bigint()), sharded: z.array(z.bigint()), rank: z.int(), ...cutParameters };

export const visibleTensors = `FROM tensors FINAL WHERE run = {run:UInt64} AND tensor IN {tensors:Array(UInt64)}
  AND (rank = {rank:UInt32} OR tensor IN {sharded:Array(UInt64)}) AND ${notCut}`;

/** Distinct steps of the selection. */
export const tensorExtent = defineQuery({
  name: "tensor-extent",
  sql: `SELECT uniqExact(step) AS steps, min(step) AS step_min, max(step) AS step_max FROM (SELECT step ${visibleTensors})`,
  parameters: z.object(tensorSelection),
  row: z.object({ steps: Integer, step_min: Integer, step_max: Integer }),
});

/** Whole summaries by ascending (step, rank), a page after (`after_step`, `after_rank`). */
export const tensorSummaries = defineQuery({
  name: "tensor-summaries",
  sql: `SELECT step, rank, elements, nan_count, positive_infinity + negative_infinity AS infinite, zero, minimum, maximum, total, total_squares,
      has_histogram, scale, zero_threshold, toFloat64(zero_count) AS zero_count,
      positive_offset, arrayMap(c -> toFloat64(c), positive_counts) AS positive,
      negative_offset, arrayMap(c -> toFloat64(c), negative_counts) AS negative
    FROM (SELECT * ${visibleTensors} AND step >= {after_step:Int64} AND (step, rank) > ({after_step:Int64}, {after_rank:Int64}))
    ORDER BY step, rank LIMIT {limit:UInt32}`,
  parameters: z.object({ ...tensorSelection, after_step: z.int(), after_rank: z.int(), limit: z.int() }),
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
