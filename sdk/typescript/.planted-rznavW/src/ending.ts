// How a run ends: by finish(), or with its process; and how the server is told.

import { create } from "@bufbuild/protobuf";
import { type CloseRunRequest, CloseRunRequestSchema, type OpenRunRequest, RunOutcome } from "@gradwatch/proto";
import type { ProcessEnd } from "./process-end.ts";
import { redactText } from "./redact.ts";

/** How a run ended. */
export interface Ending {
  readonly outcome: RunOutcome;
  readonly exitCode?: number;
  readonly error?: { readonly message: string; readonly stack: string };
}

/** @param lastSeq Of the last batch that was closed. @param dropped Points by reason, from the beginning. */
export function closeRequest(
  { project, runId, producer, rank }: OpenRunRequest,
  { outcome, exitCode, error }: Ending,
  lastSeq: bigint,
  dropped: ReadonlyMap<string, number>,
  nowMs: number,
): CloseRunRequest {
  return create(CloseRunRequestSchema, {
    project,
    runId,
    producer,
    rank,
    outcome,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(error === undefined ? {} : { error: error.message, stack: error.stack }),
    lastSeq,
    drops: [...dropped].map(([reason, points]) => ({ reason, points: BigInt(points) })),
    timeMs: BigInt(nowMs),
  });
}

/** How a run ends whose process ends without finish(). */
export function endingOf(end: ProcessEnd): Ending {
  switch (end.kind) {
    case "exit":
      return { outcome: end.code === 0 ? RunOutcome.FINISHED : RunOutcome.FAILED, exitCode: end.code };
    case "signal":
      return { outcome: end.signal === "SIGTERM" && isScheduled() ? RunOutcome.PREEMPTED : RunOutcome.KILLED };
    case "exception": {
      const { error } = end;
      const [message, stack] = error instanceof Error ? [`${error.name}: ${error.message}`, error.stack ?? ""] : [String(error), ""];
      return { outcome: RunOutcome.FAILED, exitCode: 1, error: { message: redactText(message), stack: redactText(stack) } };
    }
  }
}

/** Under Slurm, Kubernetes, torchrun or LSF a SIGTERM is the scheduler's, which starts the work again. */
const isScheduled = (): boolean =>
  ["SLURM_JOB_ID", "KUBERNETES_SERVICE_HOST", "TORCHELASTIC_RUN_ID", "LSB_JOBID"].some((name) => process.env[name] !== undefined);

export const outcomes: Readonly<Record<string, RunOutcome>> = {
  finished: RunOutcome.FINISHED,
  failed: RunOutcome.FAILED,
  killed: RunOutcome.KILLED,
  preempted: RunOutcome.PREEMPTED,
};
