// Tensors, steps and facts as the wire wants them.

import { create } from "@bufbuild/protobuf";
import {
  encodeBucketCounts,
  type ExponentialHistogram,
  ExponentialHistogramSchema,
  LossKind,
  MetricGoal,
  type MetricDefinition,
  MetricDefinitionSchema,
  MetricRole,
  Phase,
  Placement,
  type RunFacts as WireFacts,
  RunFactsSchema,
  StepPhase,
  type StepRecord,
  StepRecordSchema,
  type TensorInfo,
  TensorInfoSchema,
  TensorKind,
  TensorRole,
  type TensorSummary,
  TensorSummarySchema,
} from "@gradwatch/proto";
import type { Histogram, MetricOptions, RunFacts, StepRecordValues, TensorMeta, TensorSummaryValues } from "./types.ts";

const kinds = {
  weight: TensorKind.WEIGHT,
  gradient: TensorKind.GRADIENT,
  update: TensorKind.UPDATE,
  activation: TensorKind.ACTIVATION,
  "pre-activation": TensorKind.PRE_ACTIVATION,
  input: TensorKind.INPUT,
  output: TensorKind.OUTPUT,
  label: TensorKind.LABEL,
  custom: TensorKind.CUSTOM,
  "state-gradient": TensorKind.STATE_GRADIENT,
} as const;
const tensorRoles = {
  kernel: TensorRole.KERNEL,
  bias: TensorRole.BIAS,
  normalization: TensorRole.NORMALIZATION,
  embedding: TensorRole.EMBEDDING,
  "recurrent-kernel": TensorRole.RECURRENT_KERNEL,
} as const;
const phases = { train: Phase.TRAIN, evaluation: Phase.EVALUATION } as const;
const placements = { replicated: Placement.REPLICATED, sharded: Placement.SHARDED } as const;
const stepPhases = {
  train: StepPhase.TRAIN,
  evaluation: StepPhase.EVALUATION,
  checkpoint: StepPhase.CHECKPOINT,
  compile: StepPhase.COMPILE,
} as const;
const lossKinds = {
  "cross-entropy": LossKind.CROSS_ENTROPY,
  "binary-cross-entropy": LossKind.BINARY_CROSS_ENTROPY,
  "mean-squared-error": LossKind.MEAN_SQUARED_ERROR,
  "mean-absolute-error": LossKind.MEAN_ABSOLUTE_ERROR,
  hinge: LossKind.HINGE,
  "kl-divergence": LossKind.KL_DIVERGENCE,
  other: LossKind.OTHER,
} as const;
const metricRoles = {
  loss: MetricRole.LOSS,
  "validation-loss": MetricRole.VALIDATION_LOSS,
  metric: MetricRole.METRIC,
  "validation-metric": MetricRole.VALIDATION_METRIC,
  "learning-rate": MetricRole.LEARNING_RATE,
  "gradient-norm": MetricRole.GRADIENT_NORM,
  ignored: MetricRole.IGNORED,
  "attention-logit": MetricRole.ATTENTION_LOGIT,
  "log-z": MetricRole.LOG_Z,
} as const;
const goals = { minimize: MetricGoal.MINIMIZE, maximize: MetricGoal.MAXIMIZE } as const;

/** The code of a word; `unspecified` for an absent or unknown one. */
const lookup = <Code extends number>(table: Readonly<Record<string, Code>>, word: string | undefined, unspecified: Code): Code =>
  word === undefined || !Object.hasOwn(table, word) ? unspecified : (table[word] as Code);

export function tensorInfo(name: string, meta: TensorMeta): TensorInfo {
  return create(TensorInfoSchema, {
    name,
    kind: lookup<TensorKind>(kinds, meta.kind ?? "custom", TensorKind.UNSPECIFIED),
    layer: meta.layer ?? "",
    topologicalIndex: meta.topologicalIndex ?? 0,
    dtype: meta.dtype ?? "",
    shape: [...(meta.shape ?? [])],
    activation: meta.activation ?? "",
    phase: lookup<Phase>(phases, meta.phase, Phase.UNSPECIFIED),
    placement: lookup<Placement>(placements, meta.placement, Placement.UNSPECIFIED),
    role: lookup<TensorRole>(tensorRoles, meta.role, TensorRole.UNSPECIFIED),
  });
}

export function tensorSummary(tensor: number, values: TensorSummaryValues, samples: number | undefined): TensorSummary {
  return create(TensorSummarySchema, {
    tensor,
    samples: BigInt(samples ?? values.samples ?? 0),
    count: BigInt(values.count),
    nan: BigInt(values.nan),
    positiveInfinity: BigInt(values.positiveInfinity),
    negativeInfinity: BigInt(values.negativeInfinity),
    zero: BigInt(values.zero),
    negative: BigInt(values.negative),
    positive: BigInt(values.positive),
    sum: values.sum,
    sumSquares: values.sumSquares,
    sumAbsolute: values.sumAbsolute,
    units: BigInt(values.units ?? 0),
    unitsActiveBelow2Permille: BigInt(values.unitsActiveBelow2Permille ?? 0),
    unitsActiveBelow1Percent: BigInt(values.unitsActiveBelow1Percent ?? 0),
    unitsZeroSpread: BigInt(values.unitsZeroSpread ?? 0),
    ...(values.min === undefined ? {} : { min: values.min }),
    ...(values.max === undefined ? {} : { max: values.max }),
    ...(values.derivativeBelow5Percent === undefined ? {} : { derivativeBelow5Percent: values.derivativeBelow5Percent }),
    ...(values.updateSurpriseRms === undefined ? {} : { updateSurpriseRms: values.updateSurpriseRms }),
    ...(values.histogram === undefined ? {} : { histogram: histogram(values.histogram) }),
    ...(values.unitMeans === undefined ? {} : { unitMeans: floatBytes(values.unitMeans) }),
    ...(values.unitStds === undefined ? {} : { unitStds: floatBytes(values.unitStds) }),
  });
}

const histogram = (values: Histogram): ExponentialHistogram =>
  create(ExponentialHistogramSchema, {
    scale: values.scale,
    zeroThreshold: values.zeroThreshold,
    zeroCount: BigInt(values.zeroCount),
    positive: { offset: values.positive.offset, counts: encodeBucketCounts(values.positive.counts) },
    negative: { offset: values.negative.offset, counts: encodeBucketCounts(values.negative.counts) },
  });

const floatBytes = (values: Float32Array): Uint8Array<ArrayBuffer> => new Uint8Array(Float32Array.from(values).buffer);

export function stepRecord(values: StepRecordValues, timeMs: number): StepRecord {
  return create(StepRecordSchema, {
    step: BigInt(values.step),
    timeMs: BigInt(timeMs),
    learningRate: [...(values.learningRate ?? [])],
    batchId: values.batchId ?? "",
    phase: lookup<StepPhase>(stepPhases, values.phase, StepPhase.UNSPECIFIED),
    ...(values.loss === undefined ? {} : { loss: values.loss }),
    ...(values.gradientNorm === undefined ? {} : { gradientNorm: values.gradientNorm }),
    ...(values.clipThreshold === undefined ? {} : { clipThreshold: values.clipThreshold }),
    ...(values.lossScale === undefined ? {} : { lossScale: values.lossScale }),
    ...(values.skipped === undefined ? {} : { skipped: values.skipped }),
    ...(values.batchSize === undefined ? {} : { batchSize: BigInt(values.batchSize) }),
    ...(values.stepTimeMs === undefined ? {} : { stepTimeMs: values.stepTimeMs }),
    ...(values.dataWaitMs === undefined ? {} : { dataWaitMs: values.dataWaitMs }),
    ...(values.updateSurpriseRms === undefined ? {} : { updateSurpriseRms: values.updateSurpriseRms }),
  });
}

/** Points a step record becomes on the server. */
export function stepRecordPoints(record: StepRecord): number {
  const { loss, gradientNorm, clipThreshold, lossScale, skipped, batchSize, stepTimeMs, dataWaitMs, updateSurpriseRms } = record;
  const single = [loss, gradientNorm, clipThreshold, lossScale, skipped, batchSize, stepTimeMs, dataWaitMs, updateSurpriseRms];
  return single.filter((value) => value !== undefined).length + record.learningRate.length + (record.phase === 0 ? 0 : 1);
}

export function runFacts(facts: RunFacts): WireFacts {
  return create(RunFactsSchema, {
    lossKind: lookup<LossKind>(lossKinds, facts.lossKind, LossKind.UNSPECIFIED),
    layers: (facts.layers ?? []).map((layer) => ({
      name: layer.name,
      type: layer.type ?? "",
      activation: layer.activation ?? "",
      fanIn: layer.fanIn ?? 0,
      fanOut: layer.fanOut ?? 0,
      parameters: BigInt(layer.parameters ?? 0),
      trainable: layer.trainable ?? true,
      topologicalIndex: layer.topologicalIndex ?? 0,
    })),
    labelCounts: (facts.labelCounts ?? []).map(BigInt),
    augmentation: [...(facts.augmentation ?? [])],
    augmentationKnown: facts.augmentation !== undefined,
    pretrainedFrom: facts.pretrainedFrom ?? "",
    grownFrom: facts.grownFrom ?? "",
    optimizer: facts.optimizer ?? "",
    ...(facts.plannedSteps === undefined ? {} : { plannedSteps: BigInt(facts.plannedSteps) }),
    ...(facts.classes === undefined ? {} : { classes: facts.classes }),
    ...(facts.parameters === undefined ? {} : { parameters: BigInt(facts.parameters) }),
    ...(facts.depth === undefined ? {} : { depth: facts.depth }),
    ...(facts.trainSamples === undefined ? {} : { trainSamples: BigInt(facts.trainSamples) }),
    ...(facts.validationSamples === undefined ? {} : { validationSamples: BigInt(facts.validationSamples) }),
    ...(facts.sanityRun === undefined ? {} : { sanityRun: facts.sanityRun }),
    ...(facts.targetStd === undefined ? {} : { targetStd: facts.targetStd }),
  });
}

export const metricDefinition = (pattern: string, options: MetricOptions): MetricDefinition =>
  create(MetricDefinitionSchema, {
    pattern,
    role: lookup<MetricRole>(metricRoles, options.role, MetricRole.UNSPECIFIED),
    goal: lookup<MetricGoal>(goals, options.goal, MetricGoal.UNSPECIFIED),
    stepMetric: options.stepMetric ?? "",
    summary: [...(options.summary ?? [])],
  });
