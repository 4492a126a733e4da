// A real gRPC server that answers by script and stores nothing: it shows what a client sends, and lets a test break off,
// hold back or refuse at any point. What it takes, it keeps for the test to look at.

import { fromBinary } from "@bufbuild/protobuf";
import {
  type Batch,
  type BatchBody,
  BatchBodySchema,
  type CloseRunRequest,
  decodeIntColumn,
  float64Column,
  ingestService,
  type OpenRunRequest,
  type OpenRunResponse,
  OpenRunResponseSchema,
  CloseRunResponseSchema,
  type WriteRequest,
  type WriteResponse,
  WriteResponseSchema,
} from "@gradwatch/proto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerDuplexStream, status, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";

type Stream = ServerDuplexStream<WriteRequest, WriteResponse>;
type Down = NonNullable<MessageInitShape<typeof WriteResponseSchema>["message"]>;

export interface PeerScript {
  /** Answers OpenRun; a status code refuses. Default: takes it. */
  readonly open?: (request: OpenRunRequest, attempt: number) => MessageInitShape<typeof OpenRunResponseSchema> | status;
  /** What to do with a batch. Default: acknowledge it. */
  readonly batch?: (batch: Batch, peer: PeerStream, attempt: number) => void;
}

export interface PeerStream {
  ack(seq: bigint): void;
  reject(seq: bigint, message: string): void;
  send(message: Down): void;
  /** Ends the stream with UNAVAILABLE, as a server that goes away does. */
  breakOff(): void;
}

export interface Peer {
  readonly address: string;
  readonly opens: OpenRunRequest[];
  /** Every batch as it came, resends too. */
  readonly batches: Batch[];
  readonly closes: CloseRunRequest[];
  readonly heartbeats: WriteRequest[];
  readonly results: WriteRequest[];
  streams(): readonly PeerStream[];
  stop(): void;
}

export async function startPeer(script: PeerScript = {}, port = 0): Promise<Peer> {
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  const opens: OpenRunRequest[] = [];
  const batches: Batch[] = [];
  const closes: CloseRunRequest[] = [];
  const heartbeats: WriteRequest[] = [];
  const results: WriteRequest[] = [];
  const open = new Set<PeerStream>();

  server.addService(ingestService, {
    openRun({ request }: ServerUnaryCall<OpenRunRequest, OpenRunResponse>, done: sendUnaryData<OpenRunResponse>) {
      opens.push(request);
      const answer = script.open?.(request, opens.length) ?? {};
      if (typeof answer === "number") done({ code: answer, details: "the script says no" });
      else
        done(
          null,
          create(OpenRunResponseSchema, { protocol: 1, session: 1, url: "http://peer/run", heartbeatIntervalMs: 10_000, ...answer }),
        );
    },
    write(call: Stream) {
      let broken = false;
      const send = (message: Down): void => {
        if (!broken) call.write(create(WriteResponseSchema, { message }));
      };
      const stream: PeerStream = {
        send,
        ack: (seq) => send({ case: "ack", value: { seq } }),
        reject: (seq, message) => send({ case: "rejected", value: { seq, message } }),
        breakOff() {
          // What was sent before goes out first; what the client sends after is not heard.
          broken = true;
          call.emit("error", { code: status.UNAVAILABLE, details: "the script breaks off" });
        },
      };
      open.add(stream);
      call.on("data", ({ message }: WriteRequest) => {
        if (broken) return;
        if (message.case === "heartbeat") heartbeats.push({ message } as WriteRequest);
        if (message.case === "controlResult") results.push({ message } as WriteRequest);
        if (message.case !== "batch") return;
        batches.push(message.value);
        if (script.batch === undefined) stream.ack(message.value.seq);
        else script.batch(message.value, stream, batches.length);
      });
      call.on("end", () => call.end());
      call.on("close", () => open.delete(stream));
      call.on("error", () => open.delete(stream));
    },
    closeRun({ request }: ServerUnaryCall<CloseRunRequest, unknown>, done: sendUnaryData<unknown>) {
      closes.push(request);
      done(null, create(CloseRunResponseSchema, {}));
    },
  });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, at) =>
      error === null ? resolve(at) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${bound}`,
    opens,
    batches,
    closes,
    heartbeats,
    results,
    streams: () => [...open],
    stop: () => server.forceShutdown(),
  };
}

export const bodyOf = (batch: Batch): BatchBody => fromBinary(BatchBodySchema, batch.body);

export interface ReceivedPoint {
  readonly metric: string;
  readonly step: number;
  readonly value: number;
}

/** Every scalar of the batches, each batch once. */
export function scalarsOf(batches: readonly Batch[]): ReceivedPoint[] {
  const once = new Map(batches.map((batch) => [batch.seq, batch]));
  return [...once.values()].flatMap((batch) => {
    const body = bodyOf(batch);
    return body.scalars.flatMap(({ metrics, steps, values }) => {
      const count = steps?.count ?? 0;
      const at = steps === undefined ? [] : [...decodeIntColumn(steps, count)];
      const column = float64Column(values, count * metrics.length);
      return metrics.flatMap((metric, m) =>
        at.map((step, i) => ({ metric: body.metrics[metric] as string, step, value: column[m * count + i] as number })),
      );
    });
  });
}
