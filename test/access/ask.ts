// Requests as strangers make them: exactly the given key or none, over HTTP and gRPC, in the clear or by TLS.

import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { text } from "node:stream/consumers";
import { ingestService, IngestClient, type WriteRequest, type WriteResponse } from "@gradwatch/proto";
import { type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";

export interface Asking {
  readonly key?: string | undefined;
  readonly method?: string;
  readonly body?: unknown;
  readonly ca?: string | undefined;
  /** Look at the status and hang up. */
  readonly streams?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export function ask(url: string, { key, method = "GET", body, ca, streams = false }: Asking = {}): Promise<Answer> {
  const headers = {
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  return new Promise((resolve, reject) => {
    const asking = (url.startsWith("https:") ? requestTls : requestPlain)(url, {
      method,
      headers,
      agent: false,
      ...(ca === undefined ? {} : { ca }),
    });
    asking.on("response", (response) => {
      const answered = (said: string): void => resolve({ status: response.statusCode ?? 0, text: said, headers: response.headers });
      if (streams) {
        answered("");
        asking.destroy();
      } else text(response).then(answered, reject);
    });
    asking.on("error", reject);
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export interface Road {
  readonly address: string;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
}

function clientOf({ address, ca }: Road): InstanceType<typeof IngestClient> {
  return new IngestClient(address, ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca)), {
    "grpc.use_local_subchannel_pool": 1,
  });
}

function metadataOf({ key }: Road): Metadata {
  const metadata = new Metadata();
  if (key !== undefined) metadata.set("authorization", `Bearer ${key}`);
  return metadata;
}

/** The answer, or the error with its status. */
export async function call<Response>(road: Road, rpc: "openRun" | "closeRun", request: unknown): Promise<Response | ServiceError> {
  const client = clientOf(road);
  const method = client[rpc] as unknown as (
    request: unknown,
    metadata: Metadata,
    done: (error: ServiceError | null, response: Response) => void,
  ) => void;
  try {
    return await new Promise((resolve) => method.call(client, request, metadataOf(road), (error, response) => resolve(error ?? response)));
  } finally {
    client.close();
  }
}

/** One message up; resolves with the first that comes down, or with the status that ends the stream. */
export async function writeOnce(road: Road, request: WriteRequest): Promise<WriteResponse | ServiceError> {
  const client = clientOf(road);
  const open = client["write"] as unknown as (metadata: Metadata) => ClientDuplexStream<WriteRequest, WriteResponse>;
  const stream = open.call(client, metadataOf(road));
  try {
    return await new Promise((resolve, reject) => {
      stream.on("data", resolve).on("error", resolve);
      stream.on("end", () => reject(new Error("the stream ended without a word")));
      stream.write(request);
    });
  } finally {
    stream.on("error", () => undefined);
    stream.cancel();
    client.close();
  }
}

/** An idle Write stream: what comes down it, by name, and the status that ends it. */
export function listen(road: Road): { readonly heard: readonly string[]; close(): void } {
  const client = clientOf(road);
  const open = client["write"] as unknown as (metadata: Metadata) => ClientDuplexStream<WriteRequest, WriteResponse>;
  const stream = open.call(client, metadataOf(road));
  const heard: string[] = [];
  stream.on("data", ({ message }: WriteResponse) => heard.push(message.case ?? "nothing known"));
  stream.on("error", (error) => heard.push(statusOf(error)));
  return {
    heard,
    close() {
      stream.cancel();
      client.close();
    },
  };
}

export const rpcNames: readonly string[] = Object.values(ingestService).map(({ path }) => path.slice(path.lastIndexOf("/") + 1));

export const isError = (answer: unknown): answer is ServiceError => answer instanceof Error;

/** By name, for a readable failure. */
export const statusOf = (answer: unknown): string => (isError(answer) ? (status[answer.code] ?? String(answer.code)) : "OK");
