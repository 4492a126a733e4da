// The road to the server, as the sender sees it: two calls and a stream. The real one is grpc-js; a simulation gives its
// own. Its sockets never keep a training process alive.

import type { Socket } from "node:net";
import { type ChannelCredentials, credentials, type ClientDuplexStream, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import {
  type CloseRunRequest,
  type CloseRunResponse,
  IngestClient,
  type OpenRunRequest,
  type OpenRunResponse,
  type WriteRequest,
  type WriteResponse,
} from "@gradwatch/proto";
import type { Credentials } from "./credentials.ts";

export interface WriteStream {
  write(request: WriteRequest): void;
  end(): void;
  cancel(): void;
}

export interface StreamEvents {
  readonly response: (response: WriteResponse) => void;
  /** Once, whatever ended it. */
  readonly ended: (error: CallError | undefined) => void;
}

/** A call that failed: whether asking again can help, and why. */
export interface CallError {
  readonly permanent: boolean;
  readonly message: string;
  /** The server answers, but not to this key: with another it may. */
  readonly isKeyRefused?: boolean;
}

export interface Network {
  openRun(request: OpenRunRequest): Promise<OpenRunResponse | CallError>;
  closeRun(request: CloseRunRequest): Promise<CloseRunResponse | CallError>;
  write(events: StreamEvents): WriteStream;
  close(): void;
}

/** One unary call, connecting included. */
const callTimeoutMs = 10_000;

const permanentCodes: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.FAILED_PRECONDITION,
  status.UNIMPLEMENTED,
]);

/** Never permanent: keys come, change and end while a training runs, and its points wait. */
const keyCodes: ReadonlySet<status> = new Set([status.UNAUTHENTICATED, status.PERMISSION_DENIED]);

export function connectNetwork(target: string, tls: boolean, { keyFor, certificates }: Credentials): Network {
  const channelCredentials = withIdleSockets(tls ? credentials.createSsl(certificates) : credentials.createInsecure());
  const client = new IngestClient(target, channelCredentials, {
    // Reconnection has one owner, the sender; grpc-js only has to fail fast.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
  });
  const signed = (): Metadata => {
    const metadata = new Metadata();
    const key = keyFor(target);
    if (key !== undefined) metadata.set("authorization", `Bearer ${key}`);
    return metadata;
  };

  const unary = <Request, Response>(name: "openRun" | "closeRun", request: Request): Promise<Response | CallError> =>
    new Promise((resolve) => {
      const call = client[name] as unknown as UnaryCall<Request, Response>;
      call.call(client, request, signed(), { deadline: Date.now() + callTimeoutMs }, (error, response) => {
        resolve(error === null ? (response as Response) : callError(error));
      });
    });

  return {
    openRun: (request) => unary("openRun", request),
    closeRun: (request) => unary("closeRun", request),
    write(events) {
      const open = client["write"] as unknown as (metadata: Metadata) => ClientDuplexStream<WriteRequest, WriteResponse>;
      const stream = open.call(client, signed());
      let over = false;
      const end = (error: CallError | undefined): void => {
        if (over) return;
        over = true;
        events.ended(error);
      };
      stream.on("data", events.response);
      stream.on("error", (error: ServiceError) => end(callError(error)));
      stream.on("end", () => end(undefined));
      return {
        write: (request) => void (over || stream.write(request)),
        end: () => stream.end(),
        cancel: () => stream.cancel(),
      };
    },
    close: () => client.close(),
  };
}

type UnaryCall<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: { readonly deadline: number },
  callback: (error: ServiceError | null, response: Response | undefined) => void,
) => void;

const callError = ({ code, details, message }: ServiceError): CallError => ({
  permanent: permanentCodes.has(code),
  isKeyRefused: keyCodes.has(code),
  message: details === "" ? message : details,
});

interface Connector {
  connect(socket: Socket): Promise<{ readonly socket: Socket }>;
}

/**
 * grpc-js holds the event loop while a stream is open, and ours is open as long as the run. So every connection's socket
 * is taken out of the loop's count, for good: `finish()` holds the process by itself while it has work to do.
 */
function withIdleSockets(base: ChannelCredentials): ChannelCredentials {
  const patched = base as unknown as { _createSecureConnector?: (...given: unknown[]) => Connector };
  const create = patched._createSecureConnector;
  if (typeof create !== "function") return base;
  patched._createSecureConnector = (...given) => {
    const connector = create.apply(base, given);
    return Object.create(connector, {
      connect: {
        value: async (tcp: Socket) => {
          const result = await connector.connect(tcp);
          for (const socket of new Set([tcp, result.socket])) {
            socket.unref();
            socket.ref = () => socket;
          }
          return result;
        },
      },
    }) as Connector;
  };
  return base;
}
