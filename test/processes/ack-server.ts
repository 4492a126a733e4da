// A server that acknowledges and stores nothing: what storing costs on the same two cores is not the training's share.

import { create } from "@bufbuild/protobuf";
import { CloseRunResponseSchema, ingestService, OpenRunResponseSchema, type WriteRequest, WriteResponseSchema } from "@gradwatch/proto";
import { type sendUnaryData, Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";

export async function startAckServer(): Promise<{ readonly address: string; close(): void }> {
  const server = new Server();
  server.addService(ingestService, {
    openRun: (_call: unknown, done: sendUnaryData<unknown>) =>
      done(null, create(OpenRunResponseSchema, { protocol: 1, heartbeatIntervalMs: 10_000 })),
    write(call: ServerDuplexStream<WriteRequest, unknown>) {
      call.on("data", ({ message }: WriteRequest) => {
        if (message.case !== "batch") return;
        const { producer, seq } = message.value;
        call.write(create(WriteResponseSchema, { message: { case: "ack", value: { producer, seq } } }));
      });
      call.on("end", () => call.end());
      call.on("error", () => undefined);
    },
    closeRun: (_call: unknown, done: sendUnaryData<unknown>) => done(null, create(CloseRunResponseSchema, {})),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { address: `127.0.0.1:${port}`, close: () => server.forceShutdown() };
}
