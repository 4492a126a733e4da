// Alerts that a run raised itself, as incidents: one a title, opened again by every call. Nothing resolves them.

import type { UserAlert } from "@gradwatch/proto";
import type { Transition } from "../detect/transition.ts";
import { alertLevelNames } from "../ingest/wire-names.ts";

export const userAlertRule = "user-alert";

/** @param step The last step logged when it was raised; undefined: before the first. */
export const userAlertTransition = ({ title, text, level }: UserAlert, rank: number, step: number | undefined): Transition => ({
  rule: userAlertRule,
  ruleVersion: 1,
  subject: title,
  rank,
  state: "firing",
  level: alertLevelNames[level] ?? "warn",
  title,
  message: text,
  advice: [],
  onsetStep: step ?? 0,
  firingStep: step ?? 0,
  resolvedStep: null,
  evidence: {
    statistic: { name: "raised by run.alert()", value: 1, threshold: 1 },
    window: null,
    topTensors: [],
    ruledOut: [],
    batchIds: [],
  },
  lastCheckpoint: null,
});
