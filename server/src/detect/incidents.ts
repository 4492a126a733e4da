// Folds the findings of all ranks into one incident a (rule, subject), and tells what changed. An incident fires with
// the first rank that shows it and ends when the last one is well again. What changes within one batch is told once.

import type { FiringFinding, Plain, ResolvedFinding } from "./rule.ts";
import type { AlertLevel, Evidence, Transition } from "./transition.ts";

const LEVELS: readonly AlertLevel[] = ["info", "warn", "high", "critical"];

/** Incidents remembered in one run; beyond it those resolved first are forgotten, and would open anew. */
const INCIDENTS_MAX = 256;

type Incident = {
  /** Ranks that show it now; none when resolved. */
  ranks: number[];
  last: Transition;
};

/** What the engine adds to a finding. */
export interface FindingOrigin {
  readonly rule: string;
  readonly ruleVersion: number;
  readonly rank: number;
  readonly evidence: Pick<Evidence, "window" | "batchIds">;
  readonly lastCheckpoint: Transition["lastCheckpoint"];
}

export interface IncidentBook {
  fire(finding: FiringFinding, origin: FindingOrigin): void;
  resolve(finding: ResolvedFinding, origin: { readonly rule: string; readonly rank: number }): void;
  /** What changed since the last call, in the order in which it began to change. */
  takeTransitions(): Transition[];
  /** The worst state of a rule's incidents; null when it never had one. */
  stateOf(rule: string): "firing" | "resolved" | null;
  save(): Plain;
}

export function createIncidentBook(saved: readonly Incident[]): IncidentBook {
  const incidents = new Map<string, Incident>();
  for (const incident of saved)
    incidents.set(keyOf(incident.last.rule, incident.last.subject), { ranks: [...incident.ranks], last: incident.last });
  let changes: Transition[] = [];

  function tell(transition: Transition): void {
    const at = changes.findLastIndex((change) => change.rule === transition.rule && change.subject === transition.subject);
    const before = changes[at];
    if (transition.state === "updated" && before !== undefined && before.state !== "resolved") {
      changes[at] = { ...transition, state: before.state };
    } else {
      changes.push(transition);
    }
  }

  function forgetResolved(): void {
    if (incidents.size <= INCIDENTS_MAX) return;
    for (const [key, incident] of incidents) {
      if (incident.ranks.length > 0) continue;
      incidents.delete(key);
      return;
    }
  }

  return {
    fire(finding, origin) {
      const key = keyOf(origin.rule, finding.subject);
      const known = incidents.get(key);
      const fresh: Transition = describe(finding, origin);
      if (known === undefined || known.ranks.length === 0) {
        incidents.delete(key);
        incidents.set(key, { ranks: [origin.rank], last: fresh });
        tell(fresh);
        forgetResolved();
        return;
      }
      if (!known.ranks.includes(origin.rank)) known.ranks.push(origin.rank);
      const worse = LEVELS.indexOf(fresh.level) > LEVELS.indexOf(known.last.level);
      // The rank that showed it first speaks for the incident, unless another one is worse.
      if (origin.rank !== known.last.rank && !worse) return;
      if (sameContent(fresh, known.last)) return;
      known.last = fresh;
      tell({ ...fresh, state: "updated" });
    },
    resolve(finding, origin) {
      const known = incidents.get(keyOf(origin.rule, finding.subject));
      if (known === undefined || !known.ranks.includes(origin.rank)) return;
      known.ranks = known.ranks.filter((rank) => rank !== origin.rank);
      if (known.ranks.length > 0) return;
      known.last = { ...known.last, state: "resolved", message: finding.message, resolvedStep: finding.step };
      tell(known.last);
    },
    takeTransitions() {
      const taken = changes;
      changes = [];
      return taken;
    },
    stateOf(rule) {
      let state: "firing" | "resolved" | null = null;
      for (const { ranks, last } of incidents.values()) {
        if (last.rule !== rule) continue;
        if (ranks.length > 0) return "firing";
        state = "resolved";
      }
      return state;
    },
    save: () => [...incidents.values()] as unknown as Plain,
  };
}

export type SavedIncident = Incident;

function keyOf(rule: string, subject: string): string {
  return `${rule}\n${subject}`;
}

function describe(finding: FiringFinding, origin: FindingOrigin): Transition {
  return {
    rule: origin.rule,
    ruleVersion: origin.ruleVersion,
    subject: finding.subject,
    rank: origin.rank,
    state: "firing",
    level: finding.level,
    title: finding.title,
    message: finding.message,
    advice: finding.advice,
    onsetStep: finding.onsetStep,
    firingStep: finding.step,
    resolvedStep: null,
    evidence: { statistic: finding.statistic, ...origin.evidence, topTensors: finding.topTensors, ruledOut: finding.ruledOut },
    lastCheckpoint: origin.lastCheckpoint,
  };
}

/** JSON would take NaN for null; here that cannot hide a change, because the message names the value. */
function sameContent(a: Transition, b: Transition): boolean {
  return JSON.stringify(a) === JSON.stringify({ ...b, state: a.state });
}
