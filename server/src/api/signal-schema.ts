// Shapes of what a network's insides say: tensors and classes. A part of schema.ts, which has the rest.

import { z } from "@hono/zod-openapi";
import { Float } from "./json-float.ts";

export const TensorKind = z
  .enum(["weight", "gradient", "update", "activation", "pre-activation", "input", "output", "label", "custom", "state-gradient"])
  .openapi("TensorKind");
export type TensorKind = z.infer<typeof TensorKind>;

export const Tensor = z
  .object({
    name: z.string(),
    kind: TensorKind,
    phase: z.enum(["train", "evaluation", "none"]),
    layer: z.string(),
    topologicalIndex: z.number().int(),
    role: z.enum(["kernel", "bias", "normalization", "embedding", "recurrent-kernel", "none"]),
    dtype: z.string(),
    shape: z.array(z.number().int()),
    activation: z.string(),
  })
  .openapi("Tensor");
export type Tensor = z.infer<typeof Tensor>;

export const TensorStatistic = z
  .enum([
    "norm",
    "mean",
    "std",
    "min",
    "max",
    "zero-share",
    "non-finite",
    "ratio",
    "dead-unit-share",
    "unspread-share",
    "derivative-share",
    "surprise",
  ])
  .openapi("TensorStatistic", {
    description: [
      "norm: L2 over the finite elements, as are mean, std, min and max",
      "ratio: of an update or gradient, its norm over that of the weight of the same name at the same step, null where that was not summarised at that step or is all 0",
      "dead-unit-share: units active on < 0.2 % of the samples seen since the summary before, of all units",
      "unspread-share: units with the same output for every sample, of all units",
      "derivative-share: elements whose activation's derivative is below 5 % of its maximum",
      "surprise: RMS(g²/v), for optimisers with a second moment v",
    ].join("; "),
  });
export type TensorStatistic = z.infer<typeof TensorStatistic>;

export const TensorMatrix = z
  .object({
    statistic: TensorStatistic,
    steps: z.array(z.number().int()).openapi({ description: "Columns: the last step of each" }),
    rows: z
      .array(
        z.object({
          tensor: Tensor,
          values: z
            .array(Float.nullable())
            .openapi({ description: "One a column: the extreme of the column (largest absolute value); null where nothing was logged" }),
          nonFinite: z.array(z.number().int()).openapi({ description: "One a column: NaN and Inf elements" }),
        }),
      )
      .openapi({ description: "Input side first" }),
    asOf: z.number(),
  })
  .openapi("TensorMatrix");
export type TensorMatrix = z.infer<typeof TensorMatrix>;

export const TensorHistograms = z
  .object({
    tensor: Tensor,
    edges: z.array(z.number()).openapi({ description: "B + 1 ascending bin edges, shared by all columns" }),
    columns: z.array(
      z.object({
        step: z.number().int(),
        counts: z.array(z.number()).openapi({ description: "B element counts; zeros are counted in the bin that holds 0" }),
        count: z.number(),
        nonFinite: z.number(),
        zero: z.number(),
        min: z.number().nullable(),
        max: z.number().nullable(),
        mean: z.number().nullable(),
        std: z.number().nullable(),
        norm: z.number().nullable(),
      }),
    ),
    asOf: z.number(),
  })
  .openapi("TensorHistograms");
export type TensorHistograms = z.infer<typeof TensorHistograms>;

/** What a tensor says unit by unit: an input by channel, the gradient of a recurrent state by time step. */
export const TensorUnits = z
  .object({
    tensor: Tensor,
    units: z.number().int().openapi({ description: "Most units at any step" }),
    columns: z
      .array(
        z.object({
          step: z.number().int().openapi({ description: "The last of the column" }),
          means: z.array(z.number().nullable()).openapi({
            description: "By unit, over the finite values of all the column's steps; null where there is none",
          }),
          stds: z.array(z.number().nullable()).openapi({ description: "As `means`; null where none was sent, too" }),
        }),
      )
      .openapi({ description: "By ascending step; summaries without values by unit are left out" }),
    asOf: z.number(),
  })
  .openapi("TensorUnits");
export type TensorUnits = z.infer<typeof TensorUnits>;

export const Phase = z.enum(["train", "evaluation", "none"]).openapi("Phase");
export type Phase = z.infer<typeof Phase>;

/** Counts over the samples seen since the record before, of one phase and rank. */
export const ClassRecords = z
  .object({
    phase: Phase,
    rank: z.number().int(),
    phases: z.array(z.object({ phase: Phase, ranks: z.array(z.number().int()) })).openapi({ description: "What the run has" }),
    classes: z.number().int(),
    total: z.number().int().openapi({ description: "Records that there are; above `records.length`, some were picked evenly" }),
    records: z
      .array(
        z.object({
          step: z.number().int(),
          time: z.number(),
          labelCounts: z.array(z.number()).openapi({ description: "By class; empty where it was not sent" }),
          predictionCounts: z.array(z.number()),
          classError: z
            .array(z.number().nullable())
            .openapi({ description: "Share of wrong predictions by label; null where the class had no sample" }),
        }),
      )
      .openapi({ description: "By ascending step, always with the last" }),
    confusion: z
      .object({ step: z.number().int(), counts: z.array(z.array(z.number())).openapi({ description: "Row: label, column: prediction" }) })
      .nullable()
      .openapi({ description: "Of the step asked for, or the last that has one" }),
    asOf: z.number(),
  })
  .openapi("ClassRecords");
export type ClassRecords = z.infer<typeof ClassRecords>;
