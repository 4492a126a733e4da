// What becomes of an incident when its rule speaks again: a pure step from (what it was, what was found) to what it is.

import { isDeepStrictEqual } from "node:util";
import { jsonFloat } from "../api/json-float.ts";
import type { Incident } from "../api/schema.ts";
import type { Evidence, Transition } from "../detect/transition.ts";

/** What the transition does not know. */
export interface IncidentIdentity {
  readonly id: string;
  readonly project: string;
  readonly run: string;
  readonly url: string;
}

/**
 * The incident after a transition, or `before` itself when the transition says nothing new.
 * A resolution of something that never fired is nothing: undefined.
 */
export function nextIncident(
  before: Incident | undefined,
  transition: Transition,
  identity: IncidentIdentity,
  nowMs: number,
): Incident | undefined {
  const resolved = transition.state === "resolved";
  if (before === undefined && resolved) return undefined;
  const opens = !resolved && before?.state !== "firing";
  const after: Incident = {
    ...identity,
    rule: transition.rule,
    state: resolved ? "resolved" : "firing",
    level: transition.level,
    title: transition.title,
    message: transition.message,
    advice: [...transition.advice],
    subject: transition.subject,
    rank: transition.rank,
    onsetStep: transition.onsetStep,
    firingStep: transition.firingStep,
    resolvedStep: resolved ? transition.resolvedStep : null,
    openedAt: before?.openedAt ?? nowMs,
    updatedAt: nowMs,
    resolvedAt: resolved ? nowMs : null,
    openings: (before?.openings ?? 0) + (opens ? 1 : 0),
    lastCheckpoint: transition.lastCheckpoint,
    evidence: evidenceOf(transition.ruleVersion, transition.evidence),
  };
  return before !== undefined && isDeepStrictEqual(said(before), said(after)) ? before : after;
}

/** Whether a stored incident already tells of this very firing: the same trouble, seen at the same step. */
export const tellsOf = (stored: Incident, { onsetStep, firingStep, evidence }: Transition): boolean =>
  stored.onsetStep === onsetStep &&
  stored.firingStep === firingStep &&
  Object.is(Number(stored.evidence.statistic.value), evidence.statistic.value);

/** An incident without when it was said, and without the server's address of the day. */
const said = ({ updatedAt: _updated, resolvedAt: _resolved, url: _url, ...rest }: Incident): object => rest;

const evidenceOf = (ruleVersion: number, evidence: Evidence): Incident["evidence"] => ({
  ruleVersion,
  statistic: {
    name: evidence.statistic.name,
    value: jsonFloat(evidence.statistic.value),
    threshold: jsonFloat(evidence.statistic.threshold),
  },
  window:
    evidence.window === null
      ? null
      : { series: evidence.window.series, steps: [...evidence.window.steps], values: evidence.window.values.map(jsonFloat) },
  topTensors: evidence.topTensors.map(({ name, kind, value }) => ({ name, kind, value: jsonFloat(value) })),
  ruledOut: [...evidence.ruledOut],
  batchIds: [...evidence.batchIds],
});
