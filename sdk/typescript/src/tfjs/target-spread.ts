// The standard deviation of a regression's targets, from the summaries of labels that are logged anyway: what a mean squared error is compared with.

import type { SummarizedTensor } from "../types.ts";
import type { OutputLoss } from "./step-reading.ts";

export interface TargetSpread {
  /** Once, when enough was seen. */
  add(summaries: readonly SummarizedTensor[]): number | undefined;
}

/** Values; its error is 5 % of it then. */
const VALUES_MIN = 200;

export function createTargetSpread(losses: readonly OutputLoss[]): TargetSpread {
  const target = losses[0];
  const isRegression = target?.kind === "mean-squared-error" || target?.kind === "mean-absolute-error";
  let [count, sum, sumSquares] = [0, 0, 0];
  let told = false;
  return {
    add(summaries) {
      if (!isRegression || told) return undefined;
      for (const { name, kind, summary } of summaries) {
        if (kind !== "label" || name !== target.name) continue;
        count += summary.zero + summary.negative + summary.positive;
        sum += summary.sum;
        sumSquares += summary.sumSquares;
      }
      if (count < VALUES_MIN) return undefined;
      told = true;
      return Math.sqrt(Math.max(0, sumSquares / count - (sum / count) ** 2));
    },
  };
}
