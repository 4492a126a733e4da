// The loss of a network that knows nothing, where the facts of the run say what that is.

import type { RunFacts } from "./observation.ts";

/** In the unit of the loss; null when it is not known. Cross-entropy in nats, as frameworks compute it. */
export function chanceLevel({ lossKind, classes, targetStd }: RunFacts): number | null {
  switch (lossKind) {
    case "cross-entropy":
      return classes !== undefined && classes > 1 ? Math.log(classes) : null;
    case "binary-cross-entropy":
      return Math.LN2;
    case "mean-squared-error":
      return targetStd !== undefined && targetStd > 0 ? targetStd * targetStd : null;
    default:
      return null;
  }
}
