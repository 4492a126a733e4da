// OpenRun: creates, forks or resumes a run and starts a session of one rank. Idempotent in (run, producer): a repeated call finds
// its own session and answers the same.

import { create, toJson } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import {
  integerMax,
  type OpenRunRequest,
  OpenRunRequestSchema,
  type OpenRunResponse,
  OpenRunResponseSchema,
  ResumePolicy,
} from "@gradwatch/proto";
import { rankSessions, runExtent, tensorVersion } from "../storage/queries/run-identity.ts";
import { sealedMetrics } from "../storage/queries/sealed-metrics.ts";
import type { Store } from "../storage/store.ts";
import { runKey } from "../storage/keys.ts";
import type { Caller } from "./caller.ts";
import { inheritHistory } from "./fork-run.ts";
import { type KnownRun, type KnownRuns, monthOf } from "./known-run.ts";
import { unknownFields } from "./unknown-fields.ts";
import type { RunHomes } from "./run-homes.ts";
import { checkName, type IngestLimits } from "./limits.ts";

/** The protocol version that this server speaks. */
const protocolVersion = 1;
const heartbeatIntervalMs = 10_000;

export interface OpenRunDeps {
  readonly store: Store;
  readonly runs: KnownRuns;
  readonly limits: IngestLimits;
  readonly nowMs: () => number;
  readonly runUrl: (project: string, run: string) => string;
  readonly server: string;
  readonly homes: RunHomes;
}

export interface Refusal {
  readonly refused: status;
  readonly message: string;
}

export interface Opened {
  readonly run: KnownRun;
  readonly response: OpenRunResponse;
}

/** @throws CallRefused when the caller may not write to it. */
export async function openRun(request: OpenRunRequest, caller: Caller, deps: OpenRunDeps): Promise<Opened | Refusal> {
  const breach = check(request, deps.limits);
  if (breach !== undefined) return breach;
  const { project, runId } = request;
  caller.requireProject(project);
  const found = await deps.runs.find(project, runId);
  if (found === "deleted") {
    return refuse(status.FAILED_PRECONDITION, `run ${project}/${runId} was deleted. Use another id.`);
  }
  if (found === "unknown" && request.resume === ResumePolicy.MUST) {
    return refuse(status.NOT_FOUND, `run ${project}/${runId} does not exist, and resume is "must". Check the id, or use resume "allow".`);
  }
  const run = found === "unknown" ? await createOrFork(request, caller, deps) : found;
  if ("refused" in run) return run;
  await caller.requireRun(run, request.runToken);
  const writer = caller.writerOf(project, runId);
  if (run.writers.get(writer.key) !== writer.token) await deps.runs.letIn(run, writer);
  const session = await startSession(run, request, deps);
  if (session === "taken") {
    return refuse(status.ALREADY_EXISTS, `run ${project}/${runId} exists, and resume is "never". Use another id, or resume "allow".`);
  }
  const response = create(OpenRunResponseSchema, {
    protocol: protocolVersion,
    server: deps.server,
    url: deps.runUrl(project, runId),
    created: session.first,
    session: session.ordinal,
    verMax: session.verStart - 1n,
    limits: deps.limits,
    heartbeatIntervalMs,
    runToken: caller.tokenOf(project, runId),
    redirectUrl: (await deps.homes.homeOf(run.key)) ?? "",
    unknownFields: unknownFields(request),
    ...(session.stepMax === undefined ? {} : { stepMax: BigInt(session.stepMax) }),
  });
  return { run, response };
}

/** History first, identity last: a fork that breaks off is begun again by whoever opens the run next. */
async function createOrFork({ project, runId, forkFrom }: OpenRunRequest, caller: Caller, deps: OpenRunDeps): Promise<KnownRun | Refusal> {
  const now = deps.nowMs();
  if (forkFrom !== undefined) {
    const parent = await deps.runs.find(project, forkFrom.runId);
    if (parent === "deleted") {
      return refuse(status.FAILED_PRECONDITION, `run ${project}/${forkFrom.runId}, to be forked, was deleted. Start a new run.`);
    }
    if (parent === "unknown") {
      return refuse(
        status.NOT_FOUND,
        `run ${project}/${forkFrom.runId}, to be forked, does not exist. Check its id: both are in one project.`,
      );
    }
    await inheritHistory(deps.store, { parent: parent.key, child: runKey(project, runId), month: monthOf(now), step: forkFrom.step });
  }
  return await deps.runs.create(project, runId, now, caller.writerOf(project, runId));
}

interface Session {
  readonly ordinal: number;
  readonly verStart: bigint;
  readonly stepMax: number | undefined;
  /** No session of this run was opened before by anybody. */
  readonly first: boolean;
}

async function startSession(run: KnownRun, request: OpenRunRequest, deps: OpenRunDeps): Promise<Session | "taken"> {
  const { store, nowMs } = deps;
  const producer = Buffer.from(request.producer).toString("hex");
  const [sessions, [extent], [tensors], [sealed]] = await Promise.all([
    store.read(rankSessions, { run: run.key, rank: request.rank }),
    store.read(runExtent, { run: run.key, rank: request.rank }),
    store.read(tensorVersion, { run: run.key }),
    store.read(sealedMetrics, { runs: [run.key] }),
  ]);
  const own = sessions.find((row) => row.producer === producer);
  // Of a rank whose points expired, the run's largest step is known: it goes on after that.
  const stepMax = extent !== undefined && extent.points > 0 ? extent.step_max : (sealed?.step_max ?? undefined);
  if (own !== undefined) return { ordinal: own.session, verStart: own.ver_start, stepMax, first: own.session === 0 };
  if (sessions.length > 0 && request.resume === ResumePolicy.NEVER) return "taken";
  const isLate = request.late;
  const begin = request.firstVer > 0n ? request.firstVer : BigInt(nowMs()) * 1000n;
  const verStart = isLate
    ? begin
    : [extent?.ver_max ?? 0n, tensors?.ver_max ?? 0n].reduce((largest, ver) => (ver >= largest ? ver + 1n : largest), begin);
  // What comes late belongs to the session in which it was written, or to the first: it does not end the one that runs.
  const ordinal = isLate
    ? sessions.reduce((latest, row) => (row.ver_start <= verStart ? Math.max(latest, row.session) : latest), 0)
    : sessions.reduce((next, row) => Math.max(next, row.session + 1), 0);
  const opened = nowMs();
  await store.insertRows("run_events", [openedEvent(run, request, producer, verStart, opened)]);
  await store.insertRows("heartbeats", [{ run: run.key.toString(), rank: request.rank, time_ms: opened, step: stepMax ?? null }]);
  await store.insertRows("sessions", [
    {
      run: run.key.toString(),
      rank: request.rank,
      producer,
      session: ordinal,
      ver_start: verStart.toString(),
      resume_step: request.resumeStep === undefined ? null : Number(request.resumeStep),
      opened_ms: opened,
    },
  ]);
  return { ordinal, verStart, stepMax, first: ordinal === 0 };
}

function openedEvent(run: KnownRun, request: OpenRunRequest, producer: string, ver: bigint, nowMs: number): Record<string, unknown> {
  const { runToken: _secret, ...shown } = toJson(OpenRunRequestSchema, request) as Record<string, unknown>;
  return {
    run: run.key.toString(),
    kind: "opened",
    producer,
    sequence: 0,
    position: 0,
    rank: request.rank,
    step: request.resumeStep === undefined ? null : Number(request.resumeStep),
    time_ms: nowMs,
    ver: ver.toString(),
    body: JSON.stringify(shown),
  };
}

function check(request: OpenRunRequest, limits: IngestLimits): Refusal | undefined {
  if (request.protocolMin > protocolVersion || request.protocolMax < protocolVersion) {
    return refuse(
      status.FAILED_PRECONDITION,
      `client speaks protocol ${request.protocolMin} to ${request.protocolMax}, this server ${protocolVersion}. Upgrade the older of the two.`,
    );
  }
  if (request.producer.length !== 16) {
    return refuse(status.INVALID_ARGUMENT, `producer id is ${request.producer.length} bytes; it must be 16 random bytes`);
  }
  if (request.forkFrom !== undefined && (request.forkFrom.step < 0n || request.forkFrom.step > BigInt(integerMax))) {
    return refuse(status.INVALID_ARGUMENT, `fork step is ${request.forkFrom.step}; the range is 0 to 2^50`);
  }
  if (request.forkFrom?.runId === request.runId) {
    return refuse(status.INVALID_ARGUMENT, `run ${request.runId} cannot be forked from itself. Use resume with a resume step.`);
  }
  if (request.resumeStep !== undefined && (request.resumeStep < 0n || request.resumeStep > BigInt(integerMax))) {
    return refuse(status.INVALID_ARGUMENT, `resume step is ${request.resumeStep}; the range is 0 to 2^50`);
  }
  const names: [string, string][] = [
    ["project", request.project],
    ["run id", request.runId],
    ...request.tags.map((tag): [string, string] => ["tag", tag]),
    ...request.config.map((entry): [string, string] => ["config key", entry.key]),
  ];
  for (const [what, optional] of [
    ["name", request.name],
    ["group", request.group],
    ["job type", request.jobType],
  ] as const) {
    if (optional !== "") names.push([what, optional]);
  }
  for (const [what, name] of names) {
    const breach = checkName(what, name, limits);
    if (breach !== undefined) return refuse(status.INVALID_ARGUMENT, breach.message);
  }
  return undefined;
}

const refuse = (refused: status, message: string): Refusal => ({ refused, message });
