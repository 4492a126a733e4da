// What a person asks of the processes of a run, and what they answer. A request goes down every stream that is open now;
// nothing is kept for who connects later. Answers are news, not data: they are told live and not stored.

import { create } from "@bufbuild/protobuf";
import {
  ControlOutcome,
  type ControlResult,
  type FlightRecorderRequest,
  FlightRecorderRequestSchema,
  type StopRequest,
  StopRequestSchema,
} from "@gradwatch/proto";
import type { ControlEvent } from "../api/schema.ts";
import type { KnownRun } from "./known-run.ts";
import type { Subscribers } from "./subscribers.ts";

export type AskedRun = Pick<KnownRun, "key" | "project" | "id">;

export interface Asked {
  readonly request: string;
  /** Streams it went down; each is one process. 0: nobody was asked. */
  readonly processes: number;
}

/** Request id, project and run are filled in. */
type Wanted<Message> = Omit<Partial<Message>, `$${string}` | "requestId" | "project" | "runId">;

export interface ControlRequests {
  record(run: AskedRun, wanted: Wanted<FlightRecorderRequest>): Asked;
  stop(run: AskedRun, wanted: Wanted<StopRequest>): Asked;
  /** A process answered. What was not asked here, or was answered by all already, is not heard. */
  answered(result: ControlResult): void;
}

export interface ControlRequestsOptions {
  readonly subscribers: Subscribers;
  readonly newId: () => string;
  readonly heard: (answer: ControlEvent) => void;
}

/** Requests whose answers are still heard; the oldest goes first. */
const waitingMax = 1_000;
/** UTF-16 units of an answer's own words. */
const messageLengthMax = 500;

const outcomes: Readonly<Record<number, ControlEvent["outcome"]>> = {
  [ControlOutcome.DONE]: "done",
  [ControlOutcome.REFUSED]: "refused",
  [ControlOutcome.UNSUPPORTED]: "unsupported",
};

export function createControlRequests({ subscribers, newId, heard }: ControlRequestsOptions): ControlRequests {
  const waiting = new Map<string, { readonly run: AskedRun; readonly action: ControlEvent["action"]; left: number }>();

  function ask(
    run: AskedRun,
    action: ControlEvent["action"],
    send: (of: { requestId: string; project: string; runId: string }) => number,
  ): Asked {
    const request = newId();
    const processes = send({ requestId: request, project: run.project, runId: run.id });
    if (processes > 0) waiting.set(request, { run, action, left: processes });
    if (waiting.size > waitingMax) waiting.delete(waiting.keys().next().value as string);
    return { request, processes };
  }

  return {
    record: (run, wanted) =>
      ask(run, "flight-recorder", (of) =>
        subscribers.send(run, { case: "flightRecorder", value: create(FlightRecorderRequestSchema, { ...wanted, ...of }) }),
      ),
    stop: (run, wanted) =>
      ask(run, "stop", (of) => subscribers.send(run, { case: "stop", value: create(StopRequestSchema, { ...wanted, ...of }) })),
    answered({ requestId, outcome, message }) {
      const asked = waiting.get(requestId);
      if (asked === undefined) return;
      asked.left -= 1;
      if (asked.left === 0) waiting.delete(requestId);
      heard({
        type: "control",
        project: asked.run.project,
        run: asked.run.id,
        request: requestId,
        action: asked.action,
        outcome: outcomes[outcome] ?? "unknown",
        message: message.slice(0, messageLengthMax).toWellFormed(),
      });
    },
  };
}
