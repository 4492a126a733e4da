// Enum values of the wire as the words that storage, API and rules use.

import { AlertLevel, LossKind, MetricRole, Phase, Placement, TensorKind, TensorRole } from "@gradwatch/proto";
import type { AlertLevel as AlertLevelWord } from "../detect/transition.ts";
import type { LossKind as LossKindWord, MetricRole as MetricRoleWord, TensorObservation } from "../detect/observation.ts";

export const tensorKindNames: Readonly<Record<number, TensorObservation["kind"]>> = {
  [TensorKind.WEIGHT]: "weight",
  [TensorKind.GRADIENT]: "gradient",
  [TensorKind.UPDATE]: "update",
  [TensorKind.ACTIVATION]: "activation",
  [TensorKind.PRE_ACTIVATION]: "pre-activation",
  [TensorKind.INPUT]: "input",
  [TensorKind.OUTPUT]: "output",
  [TensorKind.LABEL]: "label",
  [TensorKind.CUSTOM]: "custom",
  [TensorKind.STATE_GRADIENT]: "state-gradient",
};

export const phaseNames: Readonly<Record<number, "train" | "evaluation" | "none">> = {
  [Phase.UNSPECIFIED]: "none",
  [Phase.TRAIN]: "train",
  [Phase.EVALUATION]: "evaluation",
};

export const placementNames: Readonly<Record<number, "replicated" | "sharded">> = {
  [Placement.UNSPECIFIED]: "replicated",
  [Placement.REPLICATED]: "replicated",
  [Placement.SHARDED]: "sharded",
};

export const tensorRoleNames: Readonly<Record<number, TensorObservation["role"]>> = {
  [TensorRole.UNSPECIFIED]: "none",
  [TensorRole.KERNEL]: "kernel",
  [TensorRole.BIAS]: "bias",
  [TensorRole.NORMALIZATION]: "normalization",
  [TensorRole.EMBEDDING]: "embedding",
  [TensorRole.RECURRENT_KERNEL]: "recurrent-kernel",
};

export const metricRoleNames: Readonly<Record<number, MetricRoleWord>> = {
  [MetricRole.LOSS]: "loss",
  [MetricRole.VALIDATION_LOSS]: "validation-loss",
  [MetricRole.METRIC]: "metric",
  [MetricRole.VALIDATION_METRIC]: "validation-metric",
  [MetricRole.LEARNING_RATE]: "learning-rate",
  [MetricRole.GRADIENT_NORM]: "gradient-norm",
  [MetricRole.IGNORED]: "ignored",
  [MetricRole.ATTENTION_LOGIT]: "attention-logit",
  [MetricRole.LOG_Z]: "log-z",
};

export const lossKindNames: Readonly<Record<number, LossKindWord>> = {
  [LossKind.CROSS_ENTROPY]: "cross-entropy",
  [LossKind.BINARY_CROSS_ENTROPY]: "binary-cross-entropy",
  [LossKind.MEAN_SQUARED_ERROR]: "mean-squared-error",
  [LossKind.MEAN_ABSOLUTE_ERROR]: "mean-absolute-error",
  [LossKind.HINGE]: "hinge",
  [LossKind.KL_DIVERGENCE]: "kl-divergence",
  [LossKind.OTHER]: "other",
};

export const alertLevelNames: Readonly<Record<number, AlertLevelWord>> = {
  [AlertLevel.INFO]: "info",
  [AlertLevel.WARN]: "warn",
  [AlertLevel.HIGH]: "high",
  [AlertLevel.CRITICAL]: "critical",
};
