// An incident as the training process gets it.

import { create } from "@bufbuild/protobuf";
import { AlertLevel, type AlertNotice, AlertNoticeSchema, IncidentState } from "@gradwatch/proto";
import type { Float, Incident } from "../api/schema.ts";

const levels = {
  info: AlertLevel.INFO,
  warn: AlertLevel.WARN,
  high: AlertLevel.HIGH,
  critical: AlertLevel.CRITICAL,
} as const satisfies Record<Incident["level"], AlertLevel>;

const states = {
  pending: IncidentState.PENDING,
  firing: IncidentState.FIRING,
  resolved: IncidentState.RESOLVED,
} as const satisfies Record<Incident["state"], IncidentState>;

export function alertNotice(incident: Incident): AlertNotice {
  const { statistic } = incident.evidence;
  const checkpoint = incident.lastCheckpoint;
  return create(AlertNoticeSchema, {
    project: incident.project,
    runId: incident.run,
    incident: incident.id,
    rule: incident.rule,
    state: states[incident.state],
    level: levels[incident.level],
    title: incident.title,
    message: incident.message,
    advice: [...incident.advice],
    subject: incident.subject,
    statistic: number(statistic.value),
    threshold: number(statistic.threshold),
    url: incident.url,
    ...(incident.rank === null ? {} : { rank: incident.rank }),
    ...(incident.onsetStep === null ? {} : { onsetStep: BigInt(incident.onsetStep) }),
    ...(incident.firingStep === null ? {} : { firingStep: BigInt(incident.firingStep) }),
    ...(checkpoint === null ? {} : { lastCheckpoint: { step: BigInt(checkpoint.step), path: checkpoint.path } }),
  });
}

/** Names of non-finite numbers are what Number() reads. */
const number = (value: Float): number => Number(value);
