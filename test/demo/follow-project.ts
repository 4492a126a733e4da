// Asks the query API again and again what became of the demo's runs and alerts, as any client of it could.

import { setTimeout as delay } from "node:timers/promises";
import { localKey } from "../processes/local-key.ts";
import type { Incident, IncidentPage, Run, RunPage } from "@gradwatch/server/api-types";

export interface Look {
  readonly runs: readonly Run[];
  readonly incidents: readonly Incident[];
}

export const INTERVAL_MS = 250;

/** Yields a look at the project every INTERVAL_MS, for ever. */
export async function* followProject(baseUrl: string, project: string): AsyncGenerator<Look> {
  const of = encodeURIComponent(project);
  for (;;) {
    const [{ runs }, { incidents }] = await Promise.all([
      get<RunPage>(`${baseUrl}/api/v1/runs?project=${of}`),
      get<IncidentPage>(`${baseUrl}/api/v1/alerts?project=${of}`),
    ]);
    yield { runs, incidents };
    await delay(INTERVAL_MS);
  }
}

async function get<Body>(url: string): Promise<Body> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${localKey(new URL(url).host)}` } });
  if (!response.ok) throw new Error(`GET ${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Body;
}
