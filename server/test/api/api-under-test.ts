// The API over a real engine in a folder of its own, and what is needed to put runs into it: the rows that ingest
// would write, by the same column builders.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { createApi } from "../../src/api/app.ts";
import { type ApiDeps, silenceMsDefault } from "../../src/api/deps.ts";
import { everybody } from "./everybody.ts";
import { Problem } from "../../src/api/schema.ts";
import { createHub, type Hub } from "../../src/live/hub.ts";
import { createControlRequests } from "../../src/ingest/control-requests.ts";
import { createSubscribers } from "../../src/ingest/subscribers.ts";
import { createServerMetrics } from "../../src/observe/metrics.ts";
import { metricKey, runKey } from "../../src/storage/keys.ts";
import { openStorage } from "../../src/storage/open-storage.ts";
import { type ScalarChunk, scalarColumns, scalarRows } from "../../src/storage/scalar-rows.ts";
import { defineQuery } from "../../src/storage/query.ts";
import { createBackups } from "../../src/storage/backups.ts";
import type { Store } from "../../src/storage/store.ts";
import { createSummarizer } from "../../src/summaries/summarizer.ts";

export interface ApiUnderTest {
  readonly api: OpenAPIHono;
  readonly store: Store;
  readonly hub: Hub;
  /** Makes the rows of the runs' list again, of every run that there is. */
  summarize(): Promise<void>;
  /** Moves the injected clock. */
  setNow(ms: number): void;
  get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>>;
  post<Schema extends z.ZodType>(path: string, body: unknown, schema: Schema): Promise<z.output<Schema>>;
  problem(path: string, init?: RequestInit): Promise<Problem & { headers: Headers }>;
  close(): Promise<void>;
}

export const startMs = 1_760_000_000_000;
export const host = "127.0.0.1:7070";
const month = 202510;

/** No process is connected. */
export const nobodyToAsk: ApiDeps["control"] = createControlRequests({
  subscribers: createSubscribers(),
  newId: () => "request",
  heard: () => undefined,
});

export async function apiUnderTest(overrides: Partial<ApiDeps> = {}): Promise<ApiUnderTest> {
  const dataFolder = mkdtempSync(join(tmpdir(), "gradwatch-api-"));
  let nowMs = startMs;
  const storage = await openStorage({
    clickhouseUrl: undefined,
    clickhouseUser: "default",
    clickhousePassword: "",
    database: "gradwatch_test",
    dataFolder,
    engineMemoryBytesMax: 1024 * 1024 * 1024,
    onEngineCrash: (reason) => console.error(`the engine ended: ${reason}`),
    nowMs: () => nowMs,
  });
  const hub = createHub({ ringEventsMax: 100 });
  const summarizer = createSummarizer({
    store: storage.store,
    nowMs: () => nowMs,
    silenceMs: silenceMsDefault,
    failed: (what, error) => console.error(what, error),
  });
  const api = createApi({
    store: storage.store,
    ...everybody(storage.store),
    hub,
    nowMs: () => nowMs,
    metrics: createServerMetrics(),
    publicUrl: () => `http://${host}`,
    allowedHosts: () => [host],
    ready: () => true,
    disk: () => ({ state: "ok", space: undefined, message: undefined }),
    ruleStatus: async () => undefined,
    control: nobodyToAsk,
    backups: createBackups(storage.store, "gradwatch_test", (name) => name),
    runChanged: async (ref) => await summarizer.refresh([keyOf(ref)]),
    failed: (what, error) => console.error(what, error),
    ...overrides,
  });
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => await api.request(`http://${host}${path}`, init);
  const parsed = async <Schema extends z.ZodType>(response: Response, schema: Schema): Promise<z.output<Schema>> => {
    if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
    return schema.parse(await response.json());
  };
  return {
    api,
    store: storage.store,
    hub,
    async summarize() {
      const runs = (await storage.store.read(everyRun, {})).map(({ run }) => run);
      await summarizer.refresh(runs);
    },
    setNow: (ms) => (nowMs = ms),
    get: async (path, schema) => await parsed(await request(path), schema),
    post: async (path, body, schema) =>
      await parsed(
        await request(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
        schema,
      ),
    async problem(path, init) {
      const response = await request(path, init);
      const type = response.headers.get("content-type");
      if (type !== "application/problem+json") throw new Error(`status ${response.status} as ${type}: ${await response.text()}`);
      const problem = Problem.parse(await response.json());
      if (problem.status !== response.status) throw new Error(`status ${response.status}, but the problem says ${problem.status}`);
      return { ...problem, headers: response.headers };
    },
    async close() {
      hub.close();
      await storage.close();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

const everyRun = defineQuery({
  name: "every-run",
  sql: `SELECT toString(run) AS run FROM runs FINAL`,
  parameters: z.object({}),
  row: z.object({ run: z.string().transform(BigInt) }),
});

export interface RunRows {
  readonly project: string;
  readonly run: string;
  readonly createdMs?: number;
}

export const keyOf = ({ project, run }: RunRows): bigint => runKey(project, run);

export async function insertRun(store: Store, run: RunRows): Promise<void> {
  await store.insertRows("runs", [
    { project: run.project, run: keyOf(run).toString(), id: run.run, created_ms: run.createdMs ?? startMs, month },
  ]);
}

export interface EventRow {
  readonly kind: string;
  readonly body: Record<string, unknown>;
  readonly producer?: number;
  readonly sequence?: number;
  readonly rank?: number;
  readonly timeMs?: number;
  readonly ver?: bigint;
}

export async function insertEvents(store: Store, run: RunRows, events: readonly EventRow[]): Promise<void> {
  const rows = events.map((event, i) => ({
    run: keyOf(run).toString(),
    kind: event.kind,
    producer: producerId(event.producer ?? 1),
    sequence: event.sequence ?? i,
    position: 0,
    rank: event.rank ?? 0,
    step: null,
    time_ms: event.timeMs ?? startMs,
    ver: (event.ver ?? BigInt(i + 1)).toString(),
    body: JSON.stringify(event.body),
  }));
  await store.insertRows("run_events", rows);
}

export const producerId = (n: number): string => n.toString(16).padStart(32, "0");

export async function insertHeartbeat(store: Store, run: RunRows, timeMs: number, rank = 0): Promise<void> {
  await store.insertRows("heartbeats", [{ run: keyOf(run).toString(), rank, time_ms: timeMs, step: null }]);
}

export interface SessionRow {
  readonly rank?: number;
  readonly producer: number;
  readonly session: number;
  readonly verStart: bigint;
  readonly resumeStep: number | null;
}

export async function insertSession(store: Store, run: RunRows, session: SessionRow): Promise<void> {
  await store.insertRows("sessions", [
    {
      run: keyOf(run).toString(),
      rank: session.rank ?? 0,
      producer: producerId(session.producer),
      session: session.session,
      ver_start: session.verStart.toString(),
      resume_step: session.resumeStep,
      opened_ms: startMs,
    },
  ]);
}

export interface Points {
  readonly metric: string;
  readonly rank?: number;
  readonly ver?: bigint;
  readonly steps: readonly number[];
  readonly values: readonly number[] | Float64Array;
}

/** One insert; times are startMs + step. */
export async function insertPoints(store: Store, run: RunRows, all: readonly Points[]): Promise<void> {
  const key = keyOf(run);
  const names = [...new Set(all.map(({ metric }) => metric))];
  await store.insertRows(
    "metrics",
    names.map((name) => ({ run: key.toString(), metric: metricKey(name).toString(), name, first_seen_ms: startMs })),
  );
  const chunks: ScalarChunk[] = all.map(({ metric, rank = 0, ver = 1n, steps, values }) => ({
    run: key,
    rank,
    ver,
    metrics: [metricKey(metric)],
    steps: Float64Array.from(steps),
    times: Float64Array.from(steps, (step) => startMs + step),
    values: values instanceof Float64Array ? values : Float64Array.from(values),
  }));
  const rows = chunks.reduce((sum, chunk) => sum + scalarRows(chunk), 0);
  if (rows > 0) await store.insertColumns("scalars", rows, scalarColumns(month, chunks));
}
