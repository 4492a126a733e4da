// What is only known when the first epoch is over: how many steps and samples a data set has, where it does not say so itself.

import type { RunFacts } from "../types.ts";
import type { FitParams } from "./model-facts.ts";

export interface FirstEpoch {
  addStep(samples: number): void;
  readonly samples: () => number;
  /** At the end of an epoch: what the first one has told; undefined later, and where fit knew it already. */
  end(params: FitParams, stepsBefore: number): RunFacts | undefined;
}

export function createFirstEpoch(): FirstEpoch {
  let [steps, samples] = [0, 0];
  let isOver = false;
  return {
    addStep(count) {
      if (isOver) return;
      steps += 1;
      samples += count;
    },
    samples: () => samples,
    end({ samples: known, epochs, initialEpoch }, stepsBefore) {
      if (isOver) return undefined;
      isOver = true;
      if (known != null) return undefined;
      return {
        ...(samples > 0 ? { trainSamples: samples } : {}),
        ...(epochs == null ? {} : { plannedSteps: stepsBefore + (epochs - (initialEpoch ?? 0)) * steps }),
      };
    },
  };
}
