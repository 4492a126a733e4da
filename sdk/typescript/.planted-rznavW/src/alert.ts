// An alert notice of the wire as the user's listener gets it.

import { AlertLevel as WireLevel, type AlertNotice, IncidentState } from "@gradwatch/proto";
import type { Alert, AlertLevel } from "./types.ts";

const levels: Readonly<Record<number, AlertLevel>> = {
  [WireLevel.INFO]: "info",
  [WireLevel.WARN]: "warn",
  [WireLevel.HIGH]: "high",
  [WireLevel.CRITICAL]: "critical",
};
const states: Readonly<Record<number, Alert["state"]>> = {
  [IncidentState.PENDING]: "pending",
  [IncidentState.FIRING]: "firing",
  [IncidentState.RESOLVED]: "resolved",
};

export function alertOf(notice: AlertNotice): Alert {
  const { incident, rule, title, message, advice, subject, rank, statistic, threshold, lastCheckpoint, url } = notice;
  return {
    incident,
    rule,
    state: states[notice.state] ?? "firing",
    level: levels[notice.level] ?? "info",
    title,
    message,
    advice,
    subject,
    url,
    ...(rank === undefined ? {} : { rank }),
    ...(notice.onsetStep === undefined ? {} : { onsetStep: Number(notice.onsetStep) }),
    ...(notice.firingStep === undefined ? {} : { firingStep: Number(notice.firingStep) }),
    ...(statistic === undefined ? {} : { statistic }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(lastCheckpoint === undefined ? {} : { lastCheckpoint: { step: Number(lastCheckpoint.step), path: lastCheckpoint.path } }),
  };
}
