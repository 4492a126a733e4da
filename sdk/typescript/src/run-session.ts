// One run of this process: checks what the user logs, batches it, seals batches once the run is open, and keeps the ledger
// of every point. The only place where the pieces of the SDK meet.

import { crc32 } from "node:zlib";
import { create } from "@bufbuild/protobuf";
import {
  type AlertNotice,
  BatchSchema,
  CloseRunRequestSchema,
  type Event,
  type FlightRecorderRequest,
  type Limits,
  type OpenRunRequest,
  type OpenRunResponse,
  RunOutcome,
} from "@gradwatch/proto";
import { alertOf } from "./alert.ts";
import { createBatcher, type Draft, withVersion } from "./batcher.ts";
import type { Environment } from "./environment.ts";
import type { Network } from "./network.ts";
import type { Outbox } from "./outbox.ts";
import { createSender, type Sender } from "./sender.ts";
import type { Alert, FinishReport } from "./types.ts";
import { createVersionClock, type VersionClock } from "./version-clock.ts";
import type { Ledger, Warnings } from "./warnings.ts";

export interface RunSessionOptions {
  readonly environment: Environment;
  readonly connect: (url: string | undefined) => Network;
  readonly outbox: Outbox;
  readonly request: OpenRunRequest;
  readonly ledger: Ledger;
  readonly warnings: Warnings;
  readonly opened: (response: OpenRunResponse) => void;
  /** An automatic step must be above what the server has, after a resume. */
  readonly stepFloor: (step: number) => void;
}

export interface RunSession {
  readonly batcher: ReturnType<typeof createBatcher>;
  /** Something was added: seals when a batch is full, else at its age. */
  added(): void;
  event(event: Event["event"]): void;
  readonly nameBytesMax: () => number;
  noteStep(step: number): void;
  onAlert(listener: (alert: Alert) => void): () => void;
  onFlightRecorder(listener: (request: FlightRecorderRequest) => void): () => void;
  shouldStop(): boolean;
  finish(outcome: RunOutcome, exitCode: number, timeoutMs: number): Promise<FinishReport>;
}

/** Age at which a batch is closed. */
const batchAgeMs = 200;
/** Half a MiB of regular scalars: large enough for the server, small enough to encode between two steps. */
const batchPointsMax = 50_000;
/** Of everything else, as estimated. */
const batchBytesMax = 1024 * 1024;
/** Drafts that wait for the run to open. */
const draftBytesMax = 64 * 1024 * 1024;
const nameBytesMaxDefault = 512;

export function createRunSession(options: RunSessionOptions): RunSession {
  const { environment, outbox, request, ledger, warnings } = options;
  const batcher = createBatcher({
    project: request.project,
    runId: request.runId,
    rank: request.rank,
    ledger,
    pointsMax: batchPointsMax,
    bytesMax: batchBytesMax,
  });
  const alertListeners = new Set<(alert: Alert) => void>();
  const recorderListeners = new Set<(request: FlightRecorderRequest) => void>();
  let drafts: Draft[] = [];
  let draftBytes = 0;
  let seq = 0n;
  let opened: { readonly session: number; readonly clock: VersionClock } | undefined;
  let limits: Limits | undefined;
  let refusedBecause: string | undefined;
  let lastStep: number | undefined;
  let stopping = false;
  let ageRunning = false;
  let settledWaiters: (() => void)[] = [];

  const sender: Sender = createSender({
    environment,
    connect: options.connect,
    outbox,
    request,
    lastStep: () => lastStep,
    events: {
      opened(response) {
        opened ??= { session: response.session, clock: createVersionClock(environment.nowMs, response.verMax) };
        limits = response.limits;
        if (response.stepMax !== undefined) options.stepFloor(Number(response.stepMax));
        warnings.recovered("server");
        options.opened(response);
        sealDrafts();
      },
      settled(sealed) {
        for (const { points } of sealed) ledger.acknowledged += points;
        warnings.recovered("outbox");
        wakeWaiters();
      },
      rejected({ batch, points }, reason) {
        ledger.rejected += points;
        warnings.warn("rejected", `the server rejected batch ${batch.seq} with ${points} points: ${reason}`);
        wakeWaiters();
      },
      refused(reason) {
        refusedBecause = reason;
        warnings.warn(
          "refused",
          `the server does not take run ${request.project}/${request.runId}: ${reason} Training goes on, nothing more is logged.`,
        );
        sealDrafts();
        for (const { points } of outbox.settle(2n ** 63n)) ledger.drop("run refused", points);
        wakeWaiters();
      },
      away: (reason) =>
        warnings.warn("server", `the server is away (${reason}). Points wait in memory, up to 64 MiB, and are sent when it answers.`),
      alert(notice: AlertNotice) {
        if (notice.runId === request.runId && notice.project === request.project) callAll(alertListeners, alertOf(notice), "onAlert");
      },
      stop(reason) {
        stopping = true;
        warnings.warn("stop", `asked to stop: ${reason}`);
      },
      flightRecorder(recorder) {
        callAll(recorderListeners, recorder, "flight recorder");
        return recorderListeners.size > 0;
      },
    },
  });

  function callAll<Value>(listeners: ReadonlySet<(value: Value) => void>, value: Value, what: string): void {
    for (const listener of listeners) {
      try {
        listener(value);
      } catch (error) {
        warnings.warn(`listener:${what}`, `a listener of ${what} threw: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  function wakeWaiters(): void {
    const waiters = settledWaiters;
    settledWaiters = [];
    for (const wake of waiters) wake();
  }

  function close(): void {
    const draft = batcher.take();
    if (draft === undefined) return;
    if (draftBytes + draft.body.length > draftBytesMax) {
      dropFull(draft.points);
      return;
    }
    drafts.push(draft);
    draftBytes += draft.body.length;
    sealDrafts();
  }

  function sealDrafts(): void {
    if (refusedBecause !== undefined) {
      for (const { points } of drafts) ledger.drop("run refused", points);
      drafts = [];
      draftBytes = 0;
      return;
    }
    if (opened === undefined) return;
    for (const { body, points } of drafts) {
      const complete = withVersion(body, opened.session, opened.clock.next());
      const batch = create(BatchSchema, { producer: request.producer, seq: seq + 1n, crc32: crc32(complete), body: complete });
      if (outbox.append({ batch, points })) seq += 1n;
      else dropFull(points);
    }
    drafts = [];
    draftBytes = 0;
    sender.wake();
  }

  function dropFull(points: number): void {
    ledger.drop("memory full", points);
    warnings.warn("outbox", "the memory for waiting points is full; new points are dropped and counted until the server answers");
  }

  function age(): void {
    if (ageRunning) return;
    ageRunning = true;
    environment.later(batchAgeMs, () => {
      ageRunning = false;
      close();
    });
  }

  const pending = (): number =>
    batcher.points() +
    drafts.reduce((sum, { points }) => sum + points, 0) +
    outbox.unsettled().reduce((sum, { points }) => sum + points, 0);

  const report = (): FinishReport => ({
    logged: ledger.logged,
    acknowledged: ledger.acknowledged,
    rejected: ledger.rejected,
    dropped: Object.fromEntries(ledger.dropped),
    pending: pending(),
  });

  sender.start();

  return {
    batcher,
    added() {
      if (batcher.isFull()) close();
      else age();
    },
    event(event) {
      batcher.event(event, environment.nowMs(), lastStep);
      ledger.logged += 1;
      age();
    },
    nameBytesMax: () => limits?.nameBytesMax ?? nameBytesMaxDefault,
    noteStep(step) {
      lastStep = lastStep === undefined ? step : Math.max(lastStep, step);
    },
    onAlert(listener) {
      alertListeners.add(listener);
      return () => void alertListeners.delete(listener);
    },
    onFlightRecorder(listener) {
      recorderListeners.add(listener);
      return () => void recorderListeners.delete(listener);
    },
    shouldStop: () => stopping,
    async finish(outcome, exitCode, timeoutMs) {
      // Sockets and timers of the SDK do not hold the process; what is left to send does, for as long as was allowed.
      const hold = setInterval(() => undefined, 1_000);
      const timeout = new Promise<void>((resolve) => setTimeout(resolve, timeoutMs).unref());
      let timedOut = false;
      void timeout.then(() => {
        timedOut = true;
        wakeWaiters();
      });
      const dropped = [...ledger.dropped];
      for (const [reason, points] of dropped) {
        batcher.event(
          { case: "drops", value: { $typeName: "gradwatch.v1.DropCount", reason, points: BigInt(points) } },
          environment.nowMs(),
          lastStep,
        );
        ledger.logged += 1;
      }
      close();
      sender.hurry();
      while (pending() > 0 && !timedOut) await new Promise<void>((resolve) => settledWaiters.push(resolve));
      if (pending() === 0 && refusedBecause === undefined) {
        const closing = create(CloseRunRequestSchema, {
          project: request.project,
          runId: request.runId,
          producer: request.producer,
          rank: request.rank,
          outcome,
          exitCode,
          lastSeq: seq,
          drops: dropped.map(([reason, points]) => ({ reason, points: BigInt(points) })),
          timeMs: BigInt(environment.nowMs()),
        });
        const answer = await Promise.race([
          sender.closeRun(closing),
          timeout.then(() => ({ permanent: false, message: "no answer in time" })),
        ]);
        if ("permanent" in answer) warnings.warn("close", `the run's end was not taken: ${answer.message}. It will show as crashed.`);
      } else if (pending() > 0) {
        warnings.warn("finish", `${pending()} points were not sent within ${timeoutMs} ms and end with this process`);
      }
      sender.stop();
      clearInterval(hold);
      return report();
    },
  };
}
