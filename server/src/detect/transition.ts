// What detection answers with: an incident that opened, changed or ended, with everything a person needs to judge it.
// One incident is one (run, rule, subject); ids, clocks and delivery belong to the caller.

export type AlertLevel = "info" | "warn" | "high" | "critical";

export interface Evidence {
  /** The number that was compared, and what it was compared with. May be NaN or infinite. */
  readonly statistic: { readonly name: string; readonly value: number; readonly threshold: number };
  /** Up to EVIDENCE_POINTS_MAX points that end at the firing step. */
  readonly window: { readonly series: string; readonly steps: readonly number[]; readonly values: readonly number[] } | null;
  /** At most three, the most telling first. */
  readonly topTensors: readonly { readonly name: string; readonly kind: string; readonly value: number }[];
  /** Other causes that the rule looked at and excluded. */
  readonly ruledOut: readonly string[];
  /** The user's names for the data of the steps from onset to firing, where they are known. */
  readonly batchIds: readonly string[];
}

export const EVIDENCE_POINTS_MAX = 64;
export const EVIDENCE_TENSORS_MAX = 3;

export interface Transition {
  readonly rule: string;
  readonly ruleVersion: number;
  /** Metric, tensor or layer; with the rule it names the incident within the run. */
  readonly subject: string;
  /** The rank that showed it first. */
  readonly rank: number;
  /** "updated": still firing, but its level, message or evidence changed. */
  readonly state: "firing" | "updated" | "resolved";
  readonly level: AlertLevel;
  readonly title: string;
  readonly message: string;
  readonly advice: readonly string[];
  /** Where the trouble began, as far as the rule can tell; at most firingStep. */
  readonly onsetStep: number;
  readonly firingStep: number;
  /** Null until resolved. */
  readonly resolvedStep: number | null;
  readonly evidence: Evidence;
  /** The last checkpoint before the onset. */
  readonly lastCheckpoint: { readonly step: number; readonly path: string } | null;
}

export interface RuleStatus {
  readonly rule: string;
  readonly title: string;
  readonly status: "quiet" | "suspect" | "firing" | "resolved" | "not-evaluated";
  /** Why it is not evaluated: the signal it lacks, or that it failed. Null otherwise. */
  readonly needs: string | null;
}
