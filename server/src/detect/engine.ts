// Watches one run: feeds what its ranks log to the rules and answers with the incidents that opened, changed or ended.
// Deterministic: the same observations give the same transitions however they are cut into batches. It touches no
// clock, disk or network; the caller stores transitions and snapshots.

import type { ObservationBatch } from "./observation.ts";
import type { RuleStatus, Transition } from "./transition.ts";

/** Any JSON value. Floats that JSON cannot carry are encoded as strings, see snapshot.ts. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface DetectorCounts {
  /** Points at or before the last step seen in their series: order-dependent rules did not see them. */
  readonly late: number;
  /** Series dropped to stay under the limit. */
  readonly evictedSeries: number;
  /** Times that a rule threw. */
  readonly ruleFailures: number;
}

export interface RunDetectorOptions {
  /** Option values by rule id; what is absent keeps the rule's default. */
  readonly options?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What an earlier detector of the same run answered. One of another format version is refused with an error. */
  readonly snapshot?: Json;
}

export interface RunDetector {
  /** Feed the batches of one rank in the order in which it logged them; ranks may interleave freely. */
  observe(batch: ObservationBatch): Transition[];
  /** The run has ended: judges what was still waiting for a next step. Call once. */
  finish(): Transition[];
  snapshot(): Json;
  /** One entry a rule, in the catalogue's order. */
  status(): RuleStatus[];
  counts(): DetectorCounts;
}

export function createRunDetector(_options: RunDetectorOptions = {}): RunDetector {
  return { observe: () => [], finish: () => [], snapshot: () => null, status: () => [], counts: () => ({ late: 0, evictedSeries: 0, ruleFailures: 0 }) };
}
