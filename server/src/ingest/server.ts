// The gRPC side of the server: OpenRun, Write and CloseRun over one listener.

import { create } from "@bufbuild/protobuf";
import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerDuplexStream,
  type sendUnaryData,
  setLogVerbosity,
  status,
} from "@grpc/grpc-js";
import {
  type CloseRunRequest,
  type CloseRunResponse,
  ingestService,
  type OpenRunRequest,
  type OpenRunResponse,
  type WriteRequest,
  type WriteResponse,
  WriteResponseSchema,
} from "@gradwatch/proto";
import { endedWords } from "../auth/access.ts";
import { inAddress, type TlsFiles } from "../auth/exposure.ts";
import { StoreError } from "../storage/store.ts";
import { type Caller, callerOf, type CallerOptions, CallRefused } from "./caller.ts";
import { closeRun, type CloseRunDeps } from "./close-run.ts";
import type { KnownRun } from "./known-run.ts";
import { openRun, type OpenRunDeps, type Refusal } from "./open-run.ts";
import type { Subscribers } from "./subscribers.ts";
import { serveWrite, type WriteStreamDeps } from "./write-stream.ts";

export interface IngestServerOptions extends OpenRunDeps, CloseRunDeps, WriteStreamDeps, CallerOptions {
  readonly subscribers: Subscribers;
  /** Adopted by a process. */
  readonly opened: (run: KnownRun, request: OpenRunRequest) => void;
  readonly closed: (run: KnownRun, request: CloseRunRequest) => Promise<void>;
  readonly failed: (what: string, error: unknown) => void;
}

export interface IngestServer {
  /** Binds and returns the port. @throws Error with one clear line when the port is taken. */
  listen(host: string, port: number, tls: TlsFiles | undefined): Promise<number>;
  /** Settles what was sent, tells every client to go elsewhere, and closes. */
  close(): Promise<void>;
}

export function createIngestServer(options: IngestServerOptions): IngestServer {
  // Its errors reach us as errors; it would tell them a second time on stderr.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    // A batch, its envelope, and room for fields of newer clients.
    "grpc.max_receive_message_length": options.limits.batchBytesMax + 64 * 1024,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
  });
  const streams = new Set<ServerDuplexStream<WriteRequest, WriteResponse>>();
  let closing = false;

  const unary =
    <Request, Answer>(what: string, serve: (request: Request, caller: Caller) => Promise<Answer | Refusal>) =>
    (call: ServerUnaryCall<Request, Answer>, callback: sendUnaryData<Answer>): void => {
      if (closing) {
        callback({ code: status.UNAVAILABLE, details: "the server is stopping; try again" });
        return;
      }
      callerOf(call, what, options)
        .then((caller) => serve(call.request, caller))
        .then(
          (answer) => {
            if (isRefusal(answer)) callback({ code: answer.refused, details: answer.message });
            else callback(null, answer);
          },
          (error: unknown) => {
            if (!(error instanceof CallRefused)) options.failed(what, error);
            callback(errorStatus(error));
          },
        );
    };

  const write = (call: ServerDuplexStream<WriteRequest, WriteResponse>): void => {
    if (closing) {
      call.emit("error", { code: status.UNAVAILABLE, details: "the server is stopping; try again" });
      return;
    }
    streams.add(call);
    const listener = { write: (response: WriteResponse): boolean => !call.destroyed && call.writable && call.write(response) };
    let unwatch = (): void => undefined;
    const end = (error?: unknown): void => {
      options.subscribers.remove(listener);
      unwatch();
      if (!streams.delete(call) || call.cancelled) return;
      if (error === undefined) call.end();
      else call.emit("error", errorStatus(error));
    };
    const serve = async (): Promise<void> => {
      const caller = await callerOf(call, "Write", options);
      unwatch = caller.watch((state) => {
        const reason = `the key ${endedWords(state)}`;
        const refused = new CallRefused(status.UNAUTHENTICATED, `${reason}. Go on with another: what is not acknowledged is sent again.`);
        // The status after the message has left: while one is under way, an error destroys the stream and takes it along.
        if (call.destroyed || !call.writable) end(refused);
        else call.write(create(WriteResponseSchema, { message: { case: "keyRevoked", value: { reason } } }), () => end(refused));
      });
      // Left early, it must not destroy the call: its status has to go out first.
      const requests = (): AsyncIterator<WriteRequest> => call.iterator({ destroyOnReturn: false });
      const duplex = { write: listener.write, [Symbol.asyncIterator]: requests };
      await serveWrite(duplex, caller, options, (run) => options.subscribers.add(run, listener));
    };
    serve().then(
      () => end(),
      (error: unknown) => {
        if (!call.cancelled && !closing && streams.has(call) && !(error instanceof CallRefused)) options.failed("Write", error);
        end(error);
      },
    );
  };

  server.addService(ingestService, {
    openRun: unary<OpenRunRequest, OpenRunResponse>("OpenRun", async (request, caller) => {
      const result = await openRun(request, caller, options);
      if ("refused" in result) return result;
      if (result.response.redirectUrl === "") options.opened(result.run, request);
      return result.response;
    }),
    write,
    closeRun: unary<CloseRunRequest, CloseRunResponse>("CloseRun", async (request, caller) => {
      const result = await closeRun(request, caller, options);
      if ("refused" in result) return result;
      await options.closed(result.run, request);
      return result.response;
    }),
  });

  return {
    listen: (host, port, tls) =>
      new Promise((resolve, reject) => {
        server.bindAsync(`${inAddress(host)}:${port}`, credentialsOf(tls), (error, bound) => {
          if (error === null) resolve(bound);
          else {
            const reason = error.message.includes("EADDRINUSE") ? "the port is taken by another program" : error.message;
            reject(new Error(`cannot listen for gRPC on ${host}:${port}: ${reason}. Free the port, or choose another with --grpc-port.`));
          }
        });
      }),
    async close() {
      closing = true;
      // What was read is committed and acknowledged; what was not is sent again to whoever answers next.
      await options.committer.flushed();
      for (const call of streams)
        call.emit("error", { code: status.UNAVAILABLE, details: "the server is stopping; go on elsewhere or try again" });
      await new Promise<void>((resolve) => {
        const forced = setTimeout(() => server.forceShutdown(), 2_000);
        server.tryShutdown(() => {
          clearTimeout(forced);
          resolve();
        });
      });
    },
  };
}

const isRefusal = (answer: unknown): answer is Refusal => typeof answer === "object" && answer !== null && "refused" in answer;

const credentialsOf = (tls: TlsFiles | undefined): ServerCredentials =>
  tls === undefined
    ? ServerCredentials.createInsecure()
    : ServerCredentials.createSsl(null, [{ cert_chain: tls.cert, private_key: tls.key }], false);

function errorStatus(error: unknown): { code: status; details: string } {
  if (error instanceof CallRefused) return { code: error.code, details: error.message };
  if (error instanceof StoreError) {
    return error.code === "rejected"
      ? { code: status.INTERNAL, details: error.message }
      : { code: status.UNAVAILABLE, details: `storage is away: ${error.message}. Nothing is lost; try again.` };
  }
  return { code: status.INTERNAL, details: error instanceof Error ? error.message : String(error) };
}
