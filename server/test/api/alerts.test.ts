// Alerts, rules and the stream of events, over a real engine.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApi } from "../../src/api/app.ts";
import { IncidentPage, RuleStatus } from "../../src/api/schema.ts";
import { z } from "zod";
import { type ApiUnderTest, apiUnderTest, host, insertRun, keyOf, startMs } from "./api-under-test.ts";
import { bareDeps } from "./bare-api.ts";

const status = { rule: "non-finite", title: "t", status: "quiet", needs: null } as const;
let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest({ ruleStatus: async (_project, run) => (run === "watched" ? [status] : undefined) });
});
afterAll(() => under.close());

const fetchPath = async (path: string, init: RequestInit = {}): Promise<Response> => await under.api.request(`http://${host}${path}`, init);

describe("alerts and rules", () => {
  const incident = (id: string, openedAt: number, more: object = {}) => ({
    id,
    project: "p",
    run: "r",
    rule: "non-finite",
    state: "firing",
    level: "high",
    title: "t",
    message: "m",
    advice: [],
    subject: "loss",
    rank: 0,
    onsetStep: 1,
    firingStep: 1,
    resolvedStep: null,
    openedAt,
    updatedAt: openedAt,
    resolvedAt: null,
    openings: 1,
    lastCheckpoint: null,
    url: "u",
    evidence: {
      ruleVersion: 1,
      statistic: { name: "s", value: "NaN", threshold: 1 },
      window: null,
      topTensors: [],
      ruledOut: [],
      batchIds: [],
    },
    ...more,
  });
  const page = (query: string) => under.get(`/api/v1/alerts?project=p&${query}`, IncidentPage);

  test("incidents are listed newest first, by their present state, over pages", async () => {
    const run = { project: "p", run: "r" };
    const row = (id: string, transition: number, state: string, openedAt: number, timeMs = openedAt) => ({
      project: "p",
      run: keyOf(run).toString(),
      run_id: "r",
      incident: id,
      transition,
      state,
      rule: "non-finite",
      level: "high",
      time_ms: timeMs,
      body: JSON.stringify(incident(id, openedAt, { state })),
    });
    await under.store.insertRows("incident_events", [
      row("a1", 1, "firing", startMs),
      row("a1", 2, "resolved", startMs, startMs + 9),
      row("b2", 1, "firing", startMs + 1),
      row("c3", 1, "firing", startMs + 1),
    ]);
    expect((await page("")).incidents.map(({ id, state }) => `${id} ${state}`)).toEqual(["c3 firing", "b2 firing", "a1 resolved"]);
    expect((await page("state=firing")).incidents.map(({ id }) => id)).toEqual(["c3", "b2"]);
    expect((await page("rule=loss-plateau")).incidents).toEqual([]);
    const seen: string[] = [];
    for (let cursor = ""; ;) {
      const { incidents, nextCursor } = await page(`limit=1${cursor}`);
      seen.push(...incidents.map(({ id }) => id));
      if (nextCursor === null) break;
      cursor = `&cursor=${nextCursor}`;
    }
    expect(seen).toEqual(["c3", "b2", "a1"]);
    const response = await fetchPath("/api/v1/alerts/a1");
    expect(await response.json()).toEqual(incident("a1", startMs, { state: "resolved" }));
  });

  test("the rules of a run are what the watcher says", async () => {
    await insertRun(under.store, { project: "p", run: "watched" });
    const { rules } = await under.get("/api/v1/projects/p/runs/watched/rules", z.object({ rules: z.array(RuleStatus) }));
    expect(rules).toEqual([status]);
  });
});

describe("events", () => {
  /** Reads blocks of the stream until `count` have come. */
  async function blocks(response: Response, count: number): Promise<string[]> {
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (; text.split("\n\n").length <= count;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
    await reader.cancel();
    return text.split("\n\n").slice(0, count);
  }

  test("a stream says that it is open, then what happens, and can be resumed", async () => {
    const response = await fetchPath("/api/v1/events?project=p");
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const reading = blocks(response, 3);
    under.hub.publish({ type: "run", project: "other", run: "r", state: "running" });
    under.hub.publish({ type: "run", project: "p", run: "r", state: "running" });
    under.hub.publish({ type: "points", project: "p", run: "r", stepMax: 3, points: 9 });
    const [retry, run, points] = await reading;
    expect(retry).toBe("retry: 2000");
    expect(run).toMatch(/^event: run\ndata: {"project":"p","run":"r","state":"running"}\nid: \w+-\d+$/);
    expect(points).toContain('event: points\ndata: {"project":"p","run":"r","stepMax":3,"points":9}');
    const id = /id: (.*)/.exec(run as string)?.[1] as string;
    const resumed = await blocks(await fetchPath("/api/v1/events?project=p", { headers: { "last-event-id": id } }), 2);
    expect(resumed[1]).toBe(points);
  });

  test("a stream whose reader went away is let go", async () => {
    const before = under.hub.subscribers();
    const response = await fetchPath("/api/v1/events");
    await blocks(response, 1);
    under.hub.publish({ type: "run", project: "p", run: "r", state: "running" });
    await expect.poll(() => under.hub.subscribers()).toBe(before);
  });

  test("an idle stream beats", async () => {
    const api = createApi({ ...bareDeps, hub: under.hub, eventHeartbeatMs: 5 });
    const [, beat] = await blocks(await api.request(`http://${host}/api/v1/events`), 2);
    expect(beat).toBe(": alive");
  });
});
