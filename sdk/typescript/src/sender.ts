// Brings sealed batches to the server: opens the run, keeps one Write stream, resends after every break what is not
// settled, unchanged. States: opening -> streaming -> waiting (back-off) -> opening ..., until closed or refused for good.

import { create } from "@bufbuild/protobuf";
import {
  type Batch,
  type CloseRunRequest,
  type CloseRunResponse,
  ControlOutcome,
  type FlightRecorderRequest,
  type OpenRunRequest,
  type OpenRunResponse,
  WriteRequestSchema,
  type WriteRequest,
  type WriteResponse,
} from "@gradwatch/proto";
import { createBackoff } from "./backoff.ts";
import type { Environment } from "./environment.ts";
import type { CallError, Network, WriteStream } from "./network.ts";
import type { Outbox, Waiting } from "./outbox.ts";

export interface SenderEvents {
  /** The run is open: sealing may begin, or go on after a break. */
  readonly opened: (response: OpenRunResponse) => void;
  readonly settled: (settled: readonly Waiting[]) => void;
  readonly rejected: (rejected: Waiting, reason: string) => void;
  /** A batch that cannot be read back: it will never arrive. */
  readonly lost: (lost: Waiting) => void;
  /** The server will never take this run. */
  readonly refused: (reason: string) => void;
  readonly away: (reason: string) => void;
  /** The server does not take the key. Tried again, as when it is away: another may come. */
  readonly keyRefused: (reason: string) => void;
  readonly alert: (notice: Extract<WriteResponse["message"], { case: "alert" }>["value"]) => void;
  readonly stop: (reason: string) => void;
  /** A message that this version does not know. */
  readonly unknown: () => void;
  /** True when somebody records. */
  readonly flightRecorder: (request: FlightRecorderRequest) => boolean;
}

export interface SenderOptions {
  readonly environment: Environment;
  /** A road to the server at `url`; undefined: the one that the user named. */
  readonly connect: (url: string | undefined) => Network;
  readonly outbox: Outbox;
  readonly request: OpenRunRequest;
  /** The complete batch of what waits, the same bytes every time; undefined when it cannot be read back. */
  readonly seal: (waiting: Waiting) => Batch | undefined;
  readonly events: SenderEvents;
  /** Last step logged, for signs of life. */
  readonly lastStep: () => number | undefined;
}

export interface Sender {
  start(): void;
  /** There is something new in the outbox. */
  wake(): void;
  /** Ends the stream and lets go of the network, unless it is still wanted. */
  stop(options?: { readonly keepNetwork: boolean }): void;
  closeRun(request: CloseRunRequest): Promise<CloseRunResponse | CallError>;
  /** Tries again now instead of after the back-off. */
  hurry(): void;
}

const firstRetryMs = 100;
const largestRetryMs = 15_000;
const inFlightDefault = 16;

export function createSender(options: SenderOptions): Sender {
  const { environment, outbox, request, events } = options;
  let network = options.connect(undefined);
  let isRedirected = false;
  const backoff = createBackoff(environment.random, firstRetryMs, largestRetryMs);
  let stream: WriteStream | undefined;
  let inFlightMax = inFlightDefault;
  /** Highest sequence number written to the present stream. */
  let sentSeq = 0n;
  let stopped = false;
  let opening = false;
  let pausedUntilMs = 0;
  let cancelWait: () => void = () => undefined;
  let cancelHeartbeat: () => void = () => undefined;

  async function open(): Promise<void> {
    cancelWait();
    // Asked for haste while it was opening, it is asked again when the stream is there.
    if (opening || stopped || stream !== undefined) return;
    opening = true;
    const response = await network.openRun(request);
    opening = false;
    if (stopped) return;
    if ("permanent" in response) {
      if (response.permanent) refuse(response.message);
      else retry(response);
      return;
    }
    if (response.limits !== undefined) inFlightMax = Math.max(1, response.limits.inFlightBatchesMax);
    events.opened(response);
    // Who heard it may have stopped us.
    if (stopped) return;
    if (response.redirectUrl !== "") {
      follow(response.redirectUrl);
      return;
    }
    sentSeq = 0n;
    const fresh: WriteStream = network.write({ response: receive, ended: (error) => streamEnded(fresh, error) });
    stream = fresh;
    beat(Math.max(1_000, response.heartbeatIntervalMs));
    pump();
  }

  function refuse(reason: string): void {
    stopped = true;
    events.refused(reason);
  }

  /** What the old server has not settled goes to the new one; it stores the same rows once. */
  function follow(url: string): void {
    stream?.cancel();
    stream = undefined;
    network.close();
    network = options.connect(url);
    isRedirected = true;
    cancelWait = environment.later(backoff.next(), () => void open());
  }

  /** Where it was sent to may be gone for good: the address that the user gave knows of another. */
  function goHome(): void {
    if (!isRedirected) return;
    isRedirected = false;
    network.close();
    network = options.connect(undefined);
  }

  function retry({ message, isKeyRefused }: CallError): void {
    goHome();
    if (isKeyRefused === true) events.keyRefused(message);
    else events.away(message);
    cancelWait = environment.later(backoff.next(), () => void open());
  }

  function streamEnded(ended: WriteStream, error: CallError | undefined): void {
    if (ended !== stream) return;
    stream = undefined;
    cancelHeartbeat();
    if (stopped) return;
    if (error?.permanent === true) refuse(error.message);
    else retry(error ?? { permanent: false, message: "the server ended the stream" });
  }

  function pump(): void {
    if (stream === undefined) return;
    const pauseMs = pausedUntilMs - environment.nowMs();
    if (pauseMs > 0) {
      environment.later(pauseMs, pump);
      return;
    }
    for (const waiting of outbox.head(inFlightMax)) {
      if (waiting.seq <= sentSeq) continue;
      sentSeq = waiting.seq;
      const batch = options.seal(waiting);
      if (batch === undefined) lose(waiting);
      else stream.write(batchRequest(batch));
    }
  }

  function lose(waiting: Waiting): void {
    outbox.quarantine(waiting.seq, "it could not be read back");
    events.lost(waiting);
  }

  function beat(intervalMs: number): void {
    cancelHeartbeat();
    cancelHeartbeat = environment.later(intervalMs, () => {
      const step = options.lastStep();
      send({
        case: "heartbeat",
        value: {
          $typeName: "gradwatch.v1.Heartbeat",
          producer: request.producer,
          timeMs: BigInt(environment.nowMs()),
          runs: [
            {
              $typeName: "gradwatch.v1.RunRef",
              project: request.project,
              runId: request.runId,
              rank: request.rank,
              ...(step === undefined ? {} : { step: BigInt(step) }),
            },
          ],
        },
      });
      beat(intervalMs);
    });
  }

  function send(message: WriteRequest["message"]): void {
    stream?.write(create(WriteRequestSchema, { message }));
  }

  function receive({ message }: WriteResponse): void {
    switch (message.case) {
      case "ack": {
        backoff.reset();
        const settled = outbox.settle(message.value.seq);
        if (settled.length > 0) events.settled(settled);
        pump();
        break;
      }
      case "rejected": {
        const rejected = outbox.quarantine(message.value.seq, message.value.message);
        if (rejected !== undefined) events.rejected(rejected, message.value.message);
        pump();
        break;
      }
      case "alert":
        events.alert(message.value);
        break;
      case "stop":
        events.stop(message.value.reason);
        reply(message.value.requestId, ControlOutcome.DONE, "run.shouldStop() is true now");
        break;
      case "checkpoint":
        reply(message.value.requestId, ControlOutcome.UNSUPPORTED, "this SDK cannot checkpoint by itself");
        break;
      case "flightRecorder":
        if (events.flightRecorder(message.value)) reply(message.value.requestId, ControlOutcome.DONE, "recording");
        else reply(message.value.requestId, ControlOutcome.UNSUPPORTED, "nothing in this process can record more");
        break;
      case "backPressure":
        pausedUntilMs = environment.nowMs() + message.value.pauseMs;
        break;
      case "redirect":
        follow(message.value.url);
        break;
      case "keyRevoked":
        // The server ends the stream next.
        events.keyRefused(message.value.reason);
        break;
      case undefined:
        events.unknown();
        break;
    }
  }

  const reply = (requestId: string, outcome: ControlOutcome, message: string): void =>
    send({ case: "controlResult", value: { $typeName: "gradwatch.v1.ControlResult", requestId, outcome, message } });

  return {
    start: () => void open(),
    wake: pump,
    stop({ keepNetwork } = { keepNetwork: false }) {
      stopped = true;
      cancelWait();
      cancelHeartbeat();
      stream?.end();
      if (!keepNetwork) network.close();
    },
    closeRun: (close) => network.closeRun(close),
    hurry() {
      if (stream !== undefined || stopped) return;
      cancelWait();
      cancelWait = environment.later(0, () => void open());
    },
  };
}

const batchRequest = (batch: Batch): WriteRequest => create(WriteRequestSchema, { message: { case: "batch", value: batch } });
