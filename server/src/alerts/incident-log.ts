// The record of incidents: what rules find becomes appended events, stored before anybody is told. One incident is one
// (run, rule, subject), whichever server finds it. Deduplicates: an incident that already says the same is not stored or
// told again, also when a restarted server replays what was found before. Never edits or deletes an event.

import { Incident } from "../api/schema.ts";
import type { Transition } from "../detect/transition.ts";
import type { Hub } from "../live/hub.ts";
import { incidentId } from "../storage/keys.ts";
import { runIncidents } from "../storage/queries/incidents.ts";
import type { Store } from "../storage/store.ts";
import { nextIncident, tellsOf } from "./incident.ts";

export interface IncidentLogOptions {
  readonly store: Store;
  readonly hub: Pick<Hub, "publish">;
  readonly nowMs: () => number;
  readonly publicUrl: () => string;
}

/** The part of a run that is used here. */
export interface IncidentRun {
  readonly key: bigint;
  readonly project: string;
  readonly id: string;
}

export interface IncidentLog {
  /**
   * Stores and publishes what changed; resolves with it. Calls for one run come one after the other. When it rejects,
   * nothing counts as said, and the same call may be repeated.
   */
  record(run: IncidentRun, transitions: readonly Transition[]): Promise<Incident[]>;
}

interface Entry {
  readonly incident: Incident;
  /** Ordinal of its newest event. */
  readonly ordinal: number;
  /** Read from the store and not spoken of since: what comes first may be a replay of it. */
  readonly loaded: boolean;
}

/** Runs whose incidents are kept in memory; the one used longest ago is read again when it speaks. */
const runsMax = 2_000;

export function createIncidentLog({ store, hub, nowMs, publicUrl }: IncidentLogOptions): IncidentLog {
  const runs = new Map<bigint, Map<string, Entry>>();

  async function entriesOf(run: IncidentRun): Promise<Map<string, Entry>> {
    const entries = runs.get(run.key) ?? (await load(run.key));
    runs.delete(run.key);
    runs.set(run.key, entries);
    if (runs.size > runsMax) runs.delete(runs.keys().next().value as bigint);
    return entries;
  }

  async function load(run: bigint): Promise<Map<string, Entry>> {
    const rows = await store.read(runIncidents, { run });
    return new Map(
      rows.map(({ incident, newest, latest }) => [
        incident,
        { incident: Incident.parse(JSON.parse(latest)), ordinal: newest, loaded: true },
      ]),
    );
  }

  return {
    async record(run, transitions) {
      const known = await entriesOf(run);
      const entries = new Map(known);
      const said: Entry[] = [];
      for (const transition of transitions) {
        const id = incidentId(run.key, transition.rule, transition.subject);
        const before = entries.get(id);
        if (before?.loaded && transition.state !== "resolved" && tellsOf(before.incident, transition)) continue;
        const identity = { id, project: run.project, run: run.id, url: incidentUrl(publicUrl(), run, id) };
        const incident = nextIncident(before?.incident, transition, identity, nowMs());
        if (incident === undefined || incident === before?.incident) continue;
        const entry: Entry = { incident, ordinal: (before?.ordinal ?? 0) + 1, loaded: false };
        entries.set(id, entry);
        said.push(entry);
      }
      await store.insertRows(
        "incident_events",
        said.map((entry) => eventRow(run, entry)),
      );
      runs.set(run.key, entries);
      for (const { incident } of said) hub.publish({ type: "incident", incident });
      return said.map(({ incident }) => incident);
    },
  };
}

const incidentUrl = (publicUrl: string, { project, id }: IncidentRun, incident: string): string =>
  `${publicUrl}/projects/${encodeURIComponent(project)}/runs/${encodeURIComponent(id)}#incident-${incident}`;

const eventRow = (run: IncidentRun, { incident, ordinal }: Entry): Record<string, unknown> => ({
  project: run.project,
  run: run.key.toString(),
  run_id: run.id,
  incident: incident.id,
  transition: ordinal,
  state: incident.state,
  rule: incident.rule,
  level: incident.level,
  time_ms: incident.updatedAt,
  body: JSON.stringify(incident),
});
