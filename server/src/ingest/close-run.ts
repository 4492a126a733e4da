// CloseRun: notes how one producer's part of a run ended, after everything it sent is settled.

import { create, toJson } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type CloseRunRequest, CloseRunRequestSchema, type CloseRunResponse, CloseRunResponseSchema } from "@gradwatch/proto";
import type { Store } from "../storage/store.ts";
import type { Caller } from "./caller.ts";
import type { Committer } from "./committer.ts";
import type { KnownRun, KnownRuns } from "./known-run.ts";
import type { Refusal } from "./open-run.ts";

export interface CloseRunDeps {
  readonly store: Store;
  readonly runs: KnownRuns;
  readonly committer: Committer;
  readonly nowMs: () => number;
}

export interface Closed {
  readonly run: KnownRun;
  readonly response: CloseRunResponse;
}

/** @throws CallRefused when the caller may not write to it. */
export async function closeRun(request: CloseRunRequest, caller: Caller, deps: CloseRunDeps): Promise<Closed | Refusal> {
  const { project, runId } = request;
  if (request.producer.length !== 16) {
    return { refused: status.INVALID_ARGUMENT, message: `producer id is ${request.producer.length} bytes; it must be 16 random bytes` };
  }
  caller.requireProject(project);
  const run = await deps.runs.find(project, runId);
  if (typeof run === "string") {
    return { refused: status.NOT_FOUND, message: `run ${project}/${runId} is ${run}; there is nothing to close` };
  }
  await caller.requireRun(run);
  await deps.committer.flushed();
  const now = deps.nowMs();
  await deps.store.insertRows("run_events", [
    {
      run: run.key.toString(),
      kind: "closed",
      producer: Buffer.from(request.producer).toString("hex"),
      sequence: 0,
      position: 0,
      rank: request.rank,
      step: null,
      time_ms: now,
      ver: (BigInt(now) * 1000n).toString(),
      body: JSON.stringify(toJson(CloseRunRequestSchema, request)),
    },
  ]);
  return { run, response: create(CloseRunResponseSchema, {}) };
}
