// What a metric means when nobody said so: the names that trainers log by habit (Keras, TensorFlow.js, Lightning,
// Hugging Face, nanoGPT) and the series of our own step records. A metric definition of the user wins over this.
// Deliberately shy: an unknown name is "none" and costs no rule anything.

import type { MetricRole } from "./observation.ts";

/** Series made of step records, by their field's name; they hold the raw numbers, so rules prefer them. */
const STEP_ROLES: Readonly<Record<string, MetricRole>> = {
  loss: "loss",
  learning_rate: "learning-rate",
  gradient_norm: "gradient-norm",
};

const VALIDATION_WORDS = new Set(["val", "valid", "validation", "eval", "evaluation", "test", "dev"]);
const TRAIN_WORDS = new Set(["train", "training"]);
const LOSS_WORDS = new Set(["loss", "nll", "cross entropy", "crossentropy", "xent", "objective"]);
const METRIC_WORDS = new Set([
  "acc",
  "accuracy",
  "binary accuracy",
  "categorical accuracy",
  "sparse categorical accuracy",
  "top 1",
  "top 5",
  "top1",
  "top5",
  "auc",
  "f1",
  "f1 score",
  "precision",
  "recall",
  "iou",
  "miou",
  "dice",
  "map",
  "bleu",
  "rouge",
  "wer",
  "cer",
  "ssim",
  "psnr",
  "mae",
  "mse",
  "rmse",
  "r2",
  "perplexity",
  "ppl",
]);
const LEARNING_RATE_NAMES = /^(lr|learning ?rate)( (pg|group)? ?\d+)?$/;
/** Lightning's LearningRateMonitor: "lr-Adam", "lr-SGD/pg1", "lr-AdamW-momentum" is not one. */
const LIGHTNING_LEARNING_RATE = /^lr-[A-Za-z]+(-\d+)?(\/pg\d+)?$/;
const GRADIENT_NORM_NAMES = /^((global|total) )?(grad|gradient|gradients) (l2 |2\.0 )?norm( total)?$|^gnorm$|^(global|total) norm$/;
const STEP_SUFFIX = / (step|epoch)$/;

/** The role of a metric by its name alone. Layer-wise names ("layers.3.grad_norm") are nobody's role. */
export function defaultRole(metric: string): MetricRole {
  if (metric.startsWith("step/")) return STEP_ROLES[metric.slice(5)] ?? "none";
  if (LIGHTNING_LEARNING_RATE.test(metric)) return "learning-rate";
  const words = metric
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .replaceAll(/[\s/_.:-]+/g, " ")
    .trim()
    .replace(STEP_SUFFIX, "");
  const space = words.indexOf(" ");
  const first = space < 0 ? words : words.slice(0, space);
  const prefixed = space >= 0 && (VALIDATION_WORDS.has(first) || TRAIN_WORDS.has(first));
  const validation = prefixed && VALIDATION_WORDS.has(first);
  const name = prefixed ? words.slice(space + 1) : words;
  if (LOSS_WORDS.has(name)) return validation ? "validation-loss" : "loss";
  if (METRIC_WORDS.has(name)) return validation ? "validation-metric" : "metric";
  if (validation) return "none";
  if (LEARNING_RATE_NAMES.test(name)) return "learning-rate";
  if (GRADIENT_NORM_NAMES.test(name)) return "gradient-norm";
  return "none";
}
