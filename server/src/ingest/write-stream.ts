// One Write stream of one training process: batches in, settlements and requests out. Reads only as fast as the committer
// takes, so a full queue holds the sender back by HTTP/2 flow control instead of growing memory.

import { create } from "@bufbuild/protobuf";
import {
  AckSchema,
  type Batch,
  type ControlResult,
  RejectedSchema,
  RejectReason,
  type WriteRequest,
  type WriteResponse,
  WriteResponseSchema,
} from "@gradwatch/proto";
import { status } from "@grpc/grpc-js";
import { type Caller, CallRefused } from "./caller.ts";
import type { Committer } from "./committer.ts";
import { decodeBatch, openBatch, type DecodedBatch, type Rejection } from "./decode-batch.ts";
import type { KnownRun, KnownRuns } from "./known-run.ts";
import type { IngestLimits } from "./limits.ts";

/** The part of a grpc-js duplex stream that is used here. */
export interface Duplex extends AsyncIterable<WriteRequest> {
  write(response: WriteResponse): boolean;
}

export interface WriteStreamDeps {
  readonly runs: KnownRuns;
  readonly committer: Committer;
  readonly limits: IngestLimits;
  readonly rejected: (rejection: Rejection) => void;
  /** Why no data is taken just now; undefined: it is. Asked for every batch. */
  readonly noRoom: () => string | undefined;
  readonly heartbeat: (run: KnownRun, rank: number, step: number | undefined) => void;
  /** What became of something that it was asked to do. */
  readonly answered: (result: ControlResult) => void;
}

/**
 * Resolves when the sender has ended its side and everything it sent is settled. Data for a run that the caller may not write to
 * ends the stream and is not rejected: with another key it may be taken yet. So does data for which there is no room.
 *
 * @throws CallRefused
 */
export async function serveWrite(
  stream: Duplex,
  caller: Pick<Caller, "requireProject" | "requireRun">,
  deps: WriteStreamDeps,
  subscribe: (run: KnownRun) => void,
): Promise<void> {
  for await (const { message } of stream) {
    switch (message.case) {
      case "batch":
        await take(stream, message.value, caller, deps, subscribe);
        break;
      case "heartbeat":
        for (const { project, runId, rank, step } of message.value.runs) {
          const run = await deps.runs.find(project, runId);
          if (typeof run === "string") continue;
          caller.requireProject(project);
          await caller.requireRun(run);
          subscribe(run);
          deps.heartbeat(run, rank, step === undefined ? undefined : Number(step));
        }
        break;
      case "controlResult":
        deps.answered(message.value);
        break;
      case undefined:
        break;
    }
  }
  await deps.committer.flushed();
}

async function take(
  stream: Duplex,
  batch: Batch,
  caller: Pick<Caller, "requireProject" | "requireRun">,
  deps: WriteStreamDeps,
  subscribe: (run: KnownRun) => void,
): Promise<void> {
  await deps.committer.room();
  const settle = (rejection: Rejection | undefined): void => {
    if (rejection !== undefined) {
      deps.rejected(rejection);
      send(stream, { case: "rejected", value: create(RejectedSchema, { producer: batch.producer, seq: batch.seq, ...rejection }) });
    }
    send(stream, { case: "ack", value: create(AckSchema, { producer: batch.producer, seq: batch.seq }) });
  };
  const examined = await examine(batch, caller, deps);
  if ("reason" in examined) {
    deps.committer.add({ settled: () => settle(examined) });
    return;
  }
  const noRoom = deps.noRoom();
  if (noRoom !== undefined) {
    // It is alive, though its data has to wait.
    deps.heartbeat(examined.run, examined.batch.body.rank, undefined);
    throw new CallRefused(status.RESOURCE_EXHAUSTED, noRoom);
  }
  subscribe(examined.run);
  deps.committer.add({ ...examined, settled: settle });
}

async function examine(
  batch: Batch,
  caller: Pick<Caller, "requireProject" | "requireRun">,
  { runs, limits }: WriteStreamDeps,
): Promise<{ run: KnownRun; batch: DecodedBatch } | Rejection> {
  const body = openBatch(batch, limits);
  if ("reason" in body) return body;
  caller.requireProject(body.project);
  const run = await runs.find(body.project, body.runId);
  if (typeof run === "string") {
    return run === "deleted"
      ? { reason: RejectReason.DELETED_RUN, message: `run ${body.project}/${body.runId} was deleted; its data is not taken any more` }
      : { reason: RejectReason.UNKNOWN_RUN, message: `run ${body.project}/${body.runId} was never opened here. Call OpenRun first.` };
  }
  await caller.requireRun(run);
  const decoded = decodeBatch(batch, body, limits);
  if ("reason" in decoded) return decoded;
  return clashOf(run, decoded, limits) ?? { run, batch: decoded };
}

/** More names than a run may have, or two names with one key (chance about 1 in 10^9 for a run with 100 000 names). */
function clashOf(run: KnownRun, batch: DecodedBatch, limits: IngestLimits): Rejection | undefined {
  let fresh = 0;
  for (const [key, name] of batch.metricNames) {
    const stored = run.metrics.get(key);
    if (stored === undefined) fresh++;
    else if (stored !== name) {
      return {
        reason: RejectReason.LIMIT,
        message: `metric ${JSON.stringify(name)} has the same key as ${JSON.stringify(stored)}. Rename one.`,
      };
    }
  }
  for (const key of batch.tensorKeys) if (!run.tensors.has(key)) fresh++;
  const names = run.metrics.size + run.tensors.size + fresh;
  if (fresh === 0 || names <= limits.runNamesMax) return undefined;
  return {
    reason: RejectReason.LIMIT,
    message: `run ${run.project}/${run.id} would have ${names} names; the limit is ${limits.runNamesMax} (limits.runNamesMax). Log fewer names, for example without an index in them.`,
  };
}

function send(stream: Duplex, message: WriteResponse["message"]): void {
  // A stream that broke meanwhile is not an error: the sender asks again on a new one.
  stream.write(create(WriteResponseSchema, { message }));
}
