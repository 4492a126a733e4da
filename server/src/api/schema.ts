// The shapes that the query API answers with: one zod schema a resource, from which the OpenAPI document, the
// response checks in tests and the page's types all come. The page imports the types only.

import { z } from "@hono/zod-openapi";
import { Float } from "./json-float.ts";

export { Float } from "./json-float.ts";
export * from "./signal-schema.ts";

export const RunState = z.enum(["running", "finished", "failed", "crashed", "killed", "preempted"]).openapi("RunState");
export type RunState = z.infer<typeof RunState>;

export const AlertLevel = z.enum(["info", "warn", "high", "critical"]).openapi("AlertLevel");
export type AlertLevel = z.infer<typeof AlertLevel>;

export const IncidentState = z.enum(["pending", "firing", "resolved"]).openapi("IncidentState");
export type IncidentState = z.infer<typeof IncidentState>;

/** Where a run is: names as the user chose them. */
export const RunRef = z.object({ project: z.string(), run: z.string() }).openapi("RunRef");
export type RunRef = z.infer<typeof RunRef>;

export const Problem = z
  .object({
    type: z.string().openapi({ example: "https://gradwatch.dev/problems/run-not-found" }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().openapi({ description: "What happened, the value, the limit and what to do" }),
    errors: z
      .array(
        z.object({
          path: z.string(),
          message: z.string(),
          column: z.number().int().optional().openapi({ description: "Where in the parameter's text, from 1" }),
        }),
      )
      .optional(),
  })
  .openapi("Problem", { description: "RFC 9457 problem document" });
export type Problem = z.infer<typeof Problem>;

export const Project = z
  .object({
    name: z.string(),
    runs: z.number().int(),
    running: z.number().int(),
    firing: z.number().int().openapi({ description: "Incidents firing now" }),
    updatedAt: z.number().openapi({ description: "Unix ms of the last sign of life" }),
  })
  .openapi("Project");
export type Project = z.infer<typeof Project>;

export const Run = z
  .object({
    project: z.string(),
    run: z.string().openapi({ description: "Id, unique in the project" }),
    name: z.string(),
    group: z.string(),
    jobType: z.string(),
    tags: z.array(z.string()),
    notes: z.string(),
    archived: z.boolean().openapi({ description: "Put away by a user" }),
    pinned: z.boolean(),
    state: RunState,
    createdAt: z.number().openapi({ description: "Unix ms" }),
    updatedAt: z.number().openapi({ description: "Unix ms of the last heartbeat or data" }),
    endedAt: z.number().nullable(),
    ranks: z.number().int(),
    stepMax: z.number().int().nullable(),
    config: z.record(z.string(), z.unknown()).openapi({ description: "Flattened with '.'" }),
    summary: z
      .record(z.string(), z.union([Float, z.string()]))
      .openapi({ description: "Last value by metric name, and what the run set itself" }),
    incidents: z.object({
      firing: z.number().int(),
      total: z.number().int(),
      worst: AlertLevel.nullable().openapi({ description: "Highest level among the firing" }),
    }),
  })
  .openapi("Run");
export type Run = z.infer<typeof Run>;

export const RunDetail = Run.extend({
  error: z.string().nullable().openapi({ description: "Exception that ended the run" }),
  stack: z.string().nullable(),
  exitCode: z.number().int().nullable(),
  forkedFrom: z
    .object({ run: z.string(), step: z.number().int() })
    .nullable()
    .openapi({ description: "The run of the same project whose history at steps below `step` this one began with" }),
  rankStates: z
    .array(z.object({ rank: z.number().int(), state: RunState, lastStep: z.number().int().nullable(), lastSignAt: z.number().nullable() }))
    .openapi({ description: "By rank: the one whose last step is behind the others' is the one that hangs" }),
  sessions: z.array(
    z.object({ session: z.number().int(), rank: z.number().int(), openedAt: z.number(), resumeStep: z.number().int().nullable() }),
  ),
  checkpoints: z.array(z.object({ step: z.number().int(), path: z.string(), time: z.number() })),
  facts: z.record(z.string(), z.unknown()).openapi({ description: "RunFacts, merged" }),
  environment: z.record(z.string(), z.unknown()),
  drops: z
    .array(z.object({ reason: z.string(), points: z.number().int() }))
    .openapi({ description: "Logged, but never arriving; counted by the client" }),
}).openapi("RunDetail");
export type RunDetail = z.infer<typeof RunDetail>;

export type { Cell, ListedRun, RunPage } from "./schema-runs.ts";
export type { ServerState } from "./schema-storage.ts";

export const Metric = z
  .object({
    name: z.string(),
    role: z.enum([
      "loss",
      "validation-loss",
      "metric",
      "validation-metric",
      "learning-rate",
      "gradient-norm",
      "attention-logit",
      "log-z",
      "ignored",
      "none",
    ]),
    goal: z.enum(["minimize", "maximize", "none"]),
    stepMetric: z.string().nullable().openapi({ description: "The metric to draw it over instead of the step, as the run defined it" }),
    ranks: z.array(z.number().int()),
    points: z.number().int(),
    nonFinite: z.number().int(),
    stepMin: z.number().int(),
    stepMax: z.number().int(),
    last: Float,
    min: z.number().nullable(),
    max: z.number().nullable(),
  })
  .openapi("Metric");
export type Metric = z.infer<typeof Metric>;

export const ConsolePage = z
  .object({
    lines: z
      .array(z.object({ id: z.string(), time: z.number(), rank: z.number().int(), stream: z.enum(["stdout", "stderr"]), text: z.string() }))
      .openapi({ description: "By ascending time" }),
    nextCursor: z.string().nullable().openapi({ description: "Of the page before, in time" }),
  })
  .openapi("ConsolePage");
export type ConsolePage = z.infer<typeof ConsolePage>;

export const ImageInfo = z
  .object({
    name: z.string(),
    step: z.number().int(),
    rank: z.number().int(),
    time: z.number(),
    mediaType: z.string(),
    width: z.number().int(),
    height: z.number().int(),
    caption: z.string(),
  })
  .openapi("ImageInfo");
export type ImageInfo = z.infer<typeof ImageInfo>;

export const SeriesRequest = z
  .object({
    runs: z.array(RunRef).min(1).max(100),
    metrics: z.array(z.string().min(1)).min(1).max(200),
    stepFrom: z.number().int().optional(),
    stepTo: z.number().int().optional().openapi({ description: "Inclusive" }),
    maxBuckets: z.number().int().min(1).max(10_000).default(1_000),
  })
  .openapi("SeriesRequest");
export type SeriesRequest = z.input<typeof SeriesRequest>;

/** Parallel arrays, one entry a non-empty bucket, by ascending step. */
export const Buckets = z
  .object({
    step: z.array(z.number()).openapi({ description: "First step with a point in the bucket" }),
    stepLast: z.array(z.number()).openapi({ description: "Last step with a point in the bucket" }),
    time: z.array(z.number()).openapi({ description: "Unix ms of the last point" }),
    min: z.array(z.number().nullable()).openapi({ description: "Over finite values; null where there is none" }),
    max: z.array(z.number().nullable()),
    mean: z.array(z.number().nullable()),
    last: z.array(Float),
    count: z.array(z.number().int()).openapi({ description: "All points, finite or not" }),
    nonFinite: z.array(z.number().int()),
  })
  .openapi("Buckets");
export type Buckets = z.infer<typeof Buckets>;

export const SeriesResponse = z
  .object({
    series: z.array(z.object({ project: z.string(), run: z.string(), metric: z.string(), rank: z.number().int(), buckets: Buckets })),
    asOf: z.number().openapi({ description: "Unix ms at which it was read" }),
  })
  .openapi("SeriesResponse");
export type SeriesResponse = z.infer<typeof SeriesResponse>;

export const Evidence = z
  .object({
    ruleVersion: z.number().int(),
    statistic: z.object({ name: z.string(), value: Float, threshold: Float }),
    window: z
      .object({ series: z.string(), steps: z.array(z.number()), values: z.array(Float) })
      .nullable()
      .openapi({ description: "Up to 64 points around the onset" }),
    topTensors: z.array(z.object({ name: z.string(), kind: z.string(), value: Float })),
    ruledOut: z.array(z.string()),
    batchIds: z.array(z.string()),
  })
  .openapi("Evidence");
export type Evidence = z.infer<typeof Evidence>;

export const Incident = z
  .object({
    id: z.string(),
    project: z.string(),
    run: z.string(),
    rule: z.string(),
    state: IncidentState,
    level: AlertLevel,
    title: z.string(),
    message: z.string(),
    advice: z.array(z.string()),
    subject: z.string().openapi({ description: "Metric, tensor or layer" }),
    rank: z.number().int().nullable(),
    onsetStep: z.number().int().nullable(),
    firingStep: z.number().int().nullable(),
    resolvedStep: z.number().int().nullable(),
    openedAt: z.number(),
    updatedAt: z.number(),
    resolvedAt: z.number().nullable(),
    openings: z.number().int().openapi({ description: "1, and one more for each time it came back" }),
    lastCheckpoint: z.object({ step: z.number().int(), path: z.string() }).nullable(),
    evidence: Evidence,
    url: z.string(),
  })
  .openapi("Incident");
export type Incident = z.infer<typeof Incident>;

export const IncidentPage = z.object({ incidents: z.array(Incident), nextCursor: z.string().nullable() }).openapi("IncidentPage");
export type IncidentPage = z.infer<typeof IncidentPage>;

export const RuleStatus = z
  .object({
    rule: z.string(),
    title: z.string(),
    status: z.enum(["quiet", "suspect", "firing", "resolved", "not-evaluated"]),
    needs: z.string().nullable().openapi({ description: "The signal it lacks, when not evaluated" }),
  })
  .openapi("RuleStatus");
export type RuleStatus = z.infer<typeof RuleStatus>;

export const Rule = z
  .object({
    id: z.string(),
    version: z.number().int(),
    title: z.string(),
    level: AlertLevel,
    needs: z.array(z.string()),
    documentation: z.string().openapi({ description: "Markdown" }),
  })
  .openapi("Rule");
export type Rule = z.infer<typeof Rule>;

/** A process's answer to something it was asked to do. */
export const ControlEvent = z
  .object({
    type: z.literal("control"),
    project: z.string(),
    run: z.string(),
    request: z.string(),
    action: z.enum(["flight-recorder", "stop"]),
    outcome: z.enum(["done", "refused", "unsupported", "unknown"]),
    message: z.string().openapi({ description: "In the process's own words" }),
  })
  .openapi("ControlEvent");
export type ControlEvent = z.infer<typeof ControlEvent>;

/** A request that went out; answers come as live events of the type "control". */
export const Asked = z
  .object({ request: z.string(), processes: z.number().int().openapi({ description: "That were asked, at least 1" }) })
  .openapi("Asked");
export type Asked = z.infer<typeof Asked>;

export const Backup = z
  .object({
    name: z.string(),
    state: z.enum(["running", "done", "failed"]),
    place: z.string().openapi({ description: "Where it is written, for people" }),
    bytes: z.number(),
    files: z.number().int(),
    error: z.string().openapi({ description: "Of a failed one, in the engine's words" }),
  })
  .openapi("Backup");
export type Backup = z.infer<typeof Backup>;

/** What the server-sent event stream carries: `event:` is the type, `data:` the JSON of the rest. */
export const LiveEvent = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("points"), project: z.string(), run: z.string(), stepMax: z.number().int(), points: z.number().int() }),
    z.object({ type: z.literal("run"), project: z.string(), run: z.string(), state: RunState }),
    z.object({ type: z.literal("incident"), incident: Incident }),
    ControlEvent,
    z.object({ type: z.literal("lagged"), missed: z.number().int() }),
  ])
  .openapi("LiveEvent");
export type LiveEvent = z.infer<typeof LiveEvent>;

export { ApiKey, CreatedKey, Me, NewKey } from "./key-schema.ts";
