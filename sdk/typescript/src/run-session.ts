// One run of this process: checks what the user logs, batches it, seals batches once the run is open, and keeps the ledger
// of every point. The only place where the pieces of the SDK meet.

import {
  type AlertNotice,
  type CloseRunRequest,
  type ConsoleLine,
  type Event,
  type FlightRecorderRequest,
  type Image,
  type Limits,
  type OpenRunRequest,
  type OpenRunResponse,
} from "@gradwatch/proto";
import { alertOf } from "./alert.ts";
import { createBatcher } from "./batcher.ts";
import { closeRequest, type Ending } from "./ending.ts";
import type { Environment } from "./environment.ts";
import type { Network } from "./network.ts";
import type { Keeping, KeepingOptions } from "./keeping.ts";
import { partKinds, pointsOf } from "./outbox.ts";
import { type Seal, sealBatch, sealOf } from "./seal.ts";
import { createSender, type Sender } from "./sender.ts";
import type { Alert, FinishReport } from "./types.ts";
import { nameBytesMaxDefault } from "./usable-name.ts";
import { createVersionClock } from "./version-clock.ts";
import type { Ledger, Warnings } from "./warnings.ts";

export interface RunSessionOptions {
  readonly environment: Environment;
  readonly connect: (url: string | undefined) => Network;
  readonly keep: (versions: KeepingOptions["versions"]) => Keeping;
  readonly request: OpenRunRequest;
  readonly ledger: Ledger;
  readonly warnings: Warnings;
  readonly opened: (response: OpenRunResponse) => void;
  /** False: only keeps what is logged, for a later sync. */
  readonly connects: boolean;
  /** An automatic step must be above what the server has, after a resume. */
  readonly stepFloor: (step: number) => void;
}

export interface RunSession {
  readonly batcher: ReturnType<typeof createBatcher>;
  /** Something was added: seals when a batch is full, else at its age. */
  added(): void;
  event(event: Event["event"]): void;
  console(line: ConsoleLine): void;
  image(image: Image): void;
  /** Values of the machine: they belong to the last step logged. */
  usage(values: Readonly<Record<string, number>>): void;
  /** Points that never came as far as a batch. */
  lost(reason: string, points: number): void;
  readonly imageBytesMax: () => number;
  readonly namesMax: () => number;
  readonly nameBytesMax: () => number;
  noteStep(step: number): void;
  onAlert(listener: (alert: Alert) => void): () => void;
  onFlightRecorder(listener: (request: FlightRecorderRequest) => void): () => void;
  shouldStop(): boolean;
  /** The process ends: keeps what can be kept, at once. */
  flush(ending: Ending): void;
  finish(ending: Ending, timeoutMs: number): Promise<FinishReport>;
}

/** Age at which a batch is closed. */
const batchAgeMs = 200;
/** Half a MiB of regular scalars: large enough for the server, small enough to encode between two steps. */
const batchPointsMax = 50_000;
/** Of everything else, as estimated. */
const batchBytesMax = 1024 * 1024;
const tellDropsEveryMs = 1_000;
const namesMaxDefault = 100_000;
const imageBytesMaxDefault = 2 * 1024 * 1024;

export function createRunSession(options: RunSessionOptions): RunSession {
  const { environment, request, ledger, warnings } = options;
  const runName = `${request.project}/${request.runId}`;
  const clock = createVersionClock(environment.nowMs);
  /** Of the opening; no batch has a smaller one. */
  let firstVer: bigint | undefined;
  const firstVersion = (): bigint => (firstVer ??= clock.next());
  let seal: Seal | undefined;
  const { outbox, where } = options.keep(() => ({ firstVer: firstVersion(), shift: seal?.shift }));
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
  let seq = 0n;
  let limits: Limits | undefined;
  let refusedBecause: string | undefined;
  let lastStep: number | undefined;
  let stopping = false;
  let ageRunning = false;
  let settledWaiters: (() => void)[] = [];
  const toldDrops = new Map<string, number>();
  let tellDropsAtMs = 0;

  const sender: Sender = createSender({
    environment,
    connect: options.connect,
    outbox,
    request: { ...request, firstVer: firstVersion() },
    lastStep: () => lastStep,
    seal(waiting) {
      const body = outbox.bodyOf(waiting.seq);
      return body === undefined || seal === undefined ? undefined : sealBatch(seal, waiting, body);
    },
    events: {
      opened(response) {
        const isFirst = seal === undefined;
        seal = sealOf(request.producer as Uint8Array<ArrayBuffer>, firstVersion(), response);
        // Before anything is sent: whoever sends what is left must send the same bytes.
        if (isFirst) outbox.noteOpened();
        limits = response.limits;
        if (response.stepMax !== undefined) options.stepFloor(Number(response.stepMax));
        warnings.recovered("server");
        warnings.recovered("key");
        tellDifferences(response);
        options.opened(response);
      },
      settled(settled) {
        for (const { points } of settled) ledger.acknowledged += points;
        for (const kind of partKinds) warnings.recovered(`full ${kind}`);
        wakeWaiters();
      },
      rejected({ seq: of, points }, reason) {
        ledger.rejected += points;
        warnings.warn("rejected", `the server rejected batch ${of} with ${points} points: ${reason}`);
        wakeWaiters();
      },
      lost({ seq: of, points }) {
        ledger.drop("unreadable spool", points);
        warnings.warn("lost", `batch ${of} with ${points} points cannot be read back from the spool and is lost`);
        wakeWaiters();
      },
      refused(reason) {
        refusedBecause = reason;
        warnings.warn("refused", `the server does not take run ${runName}: ${reason} Training goes on, nothing more is logged.`);
        for (const { points } of outbox.settle(2n ** 63n)) ledger.drop("run refused", points);
        wakeWaiters();
      },
      unknown: () =>
        warnings.warn("newer server", "the server asks for something that this SDK does not know; it is ignored. Upgrade @gradwatch/sdk."),
      away: (reason) => warnings.warn("server", `the server is away (${reason}). Points wait ${where} and are sent when it answers.`),
      keyRefused: (reason) =>
        warnings.warn("key", `the server does not take data for run ${runName}: ${reason} Points wait ${where} and are sent when it does.`),
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

  /** Old and new speak to each other; what one does not know is lost, and it is said. */
  function tellDifferences({ server, unknownFields }: OpenRunResponse): void {
    if (unknownFields > 0) {
      warnings.warn(
        "older server",
        `${server === "" ? "the server" : server} is older than this SDK: it ignores ${unknownFields} things that it was told about the run. Upgrade the server to keep them.`,
      );
    }
  }

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
    if (ledger.dropped.size > 0 && environment.nowMs() >= tellDropsAtMs) {
      tellDropsAtMs = environment.nowMs() + tellDropsEveryMs;
      noteDrops();
    }
    const draft = batcher.take();
    if (draft === undefined) return;
    if (refusedBecause !== undefined) {
      ledger.drop("run refused", pointsOf(draft));
      return;
    }
    firstVersion();
    outbox.expire();
    if (!outbox.append({ seq: seq + 1n, ver: clock.next(), parts: draft })) return;
    seq += 1n;
    sender.wake();
  }

  function age(): void {
    if (ageRunning) return;
    ageRunning = true;
    environment.later(batchAgeMs, () => {
      ageRunning = false;
      close();
    });
  }

  const pending = (): number => batcher.points() + outbox.points();

  const report = (): FinishReport => ({
    logged: ledger.logged,
    acknowledged: ledger.acknowledged,
    rejected: ledger.rejected,
    dropped: Object.fromEntries(ledger.dropped),
    pending: pending(),
    spooled: outbox.durable() ? pending() - batcher.points() : 0,
  });

  if (options.connects) sender.start();

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
    console(line) {
      batcher.console(line);
      ledger.logged += 1;
      this.added();
    },
    image(image) {
      batcher.image(image);
      ledger.logged += 1;
      this.added();
    },
    usage(values) {
      const names = Object.keys(values);
      batcher.scalars(names, Object.values(values), names.length, lastStep ?? 0, environment.nowMs());
      ledger.logged += names.length;
      age();
    },
    lost(reason, points) {
      ledger.logged += points;
      ledger.drop(reason, points);
    },
    imageBytesMax: () => limits?.imageBytesMax ?? imageBytesMaxDefault,
    namesMax: () => limits?.runNamesMax ?? namesMaxDefault,
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
    flush: (ending) => {
      noteDrops();
      close();
      outbox.noteClose(closeRequest(request, ending, seq, ledger.dropped, environment.nowMs()));
    },
    async finish(ending, timeoutMs) {
      noteDrops();
      close();
      const closing = closeRequest(request, ending, seq, ledger.dropped, environment.nowMs());
      const done = options.connects ? await deliver(closing, timeoutMs) : false;
      if (!done) {
        outbox.noteClose(closing);
        tellRest(timeoutMs);
      }
      sender.stop();
      outbox.close(done);
      return report();
    },
  };

  /** What was dropped so far travels as events, too: nobody knows whether this process will come to its end. */
  function noteDrops(): void {
    for (const [reason, points] of ledger.dropped) {
      if (points === toldDrops.get(reason)) continue;
      toldDrops.set(reason, points);
      const value = { $typeName: "gradwatch.v1.DropCount" as const, reason, points: BigInt(points) };
      batcher.event({ case: "drops", value }, environment.nowMs(), lastStep);
      ledger.logged += 1;
    }
  }

  /** Waits until everything is settled and the run is closed; false when that did not come in time. */
  async function deliver(closing: CloseRunRequest, timeoutMs: number): Promise<boolean> {
    // Sockets and timers of the SDK do not hold the process; what is left to send does, for as long as was allowed.
    const hold = setInterval(() => undefined, 1_000);
    let timedOut = false;
    let cancelTimeout = (): void => undefined;
    const timeout = new Promise<void>((resolve) => {
      cancelTimeout = environment.later(timeoutMs, () => {
        timedOut = true;
        wakeWaiters();
        resolve();
      });
    });
    try {
      sender.hurry();
      while (pending() > 0 && !timedOut) await new Promise<void>((resolve) => settledWaiters.push(resolve));
      if (refusedBecause !== undefined) return true;
      if (pending() > 0) return false;
      const answer = await Promise.race([
        sender.closeRun(closing),
        timeout.then(() => ({ permanent: false, message: "no answer in time" })),
      ]);
      if ("permanent" in answer) warnings.warn("close", `the run's end was not taken: ${answer.message}. It will show as crashed.`);
      return !("permanent" in answer) || answer.permanent;
    } finally {
      cancelTimeout();
      clearInterval(hold);
    }
  }

  function tellRest(timeoutMs: number): void {
    const points = pending();
    if (points === 0 || !options.connects) return;
    const fate = outbox.durable()
      ? `They are kept ${where}; the next run on this machine sends them, or gradwatch-sync.`
      : "They end with this process.";
    warnings.warn("finish", `${points} points were not sent within ${timeoutMs} ms. ${fate}`);
  }
}
