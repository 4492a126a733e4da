// The bridge from protobuf-es descriptors to grpc-js: one definition that server and client share.

import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { makeClientConstructor, type MethodDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import {
  type CloseRunRequest,
  type CloseRunResponse,
  type OpenRunRequest,
  type OpenRunResponse,
  CloseRunRequestSchema,
  CloseRunResponseSchema,
  OpenRunRequestSchema,
  OpenRunResponseSchema,
} from "../gen/gradwatch/v1/run_pb.ts";
import { type WriteRequest, type WriteResponse, WriteRequestSchema, WriteResponseSchema } from "../gen/gradwatch/v1/ingest_pb.ts";

function method<Request extends DescMessage, Response extends DescMessage>(
  name: string,
  request: Request,
  response: Response,
  streaming: boolean,
): MethodDefinition<MessageShape<Request>, MessageShape<Response>> {
  return {
    path: `/gradwatch.v1.Ingest/${name}`,
    requestStream: streaming,
    responseStream: streaming,
    requestSerialize: (message) => toBuffer(toBinary(request, message)),
    requestDeserialize: (bytes) => fromBinary(request, bytes),
    responseSerialize: (message) => toBuffer(toBinary(response, message)),
    responseDeserialize: (bytes) => fromBinary(response, bytes),
  };
}

const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** `gradwatch.v1.Ingest` for grpc-js's `Server.addService` and for {@link IngestClient}. */
export const ingestService: {
  readonly openRun: MethodDefinition<OpenRunRequest, OpenRunResponse>;
  readonly write: MethodDefinition<WriteRequest, WriteResponse>;
  readonly closeRun: MethodDefinition<CloseRunRequest, CloseRunResponse>;
} = {
  openRun: method("OpenRun", OpenRunRequestSchema, OpenRunResponseSchema, false),
  write: method("Write", WriteRequestSchema, WriteResponseSchema, true),
  closeRun: method("CloseRun", CloseRunRequestSchema, CloseRunResponseSchema, false),
};

/** grpc-js client of `gradwatch.v1.Ingest`, with methods `openRun`, `write` and `closeRun`. */
export const IngestClient: ServiceClientConstructor = makeClientConstructor(ingestService, "gradwatch.v1.Ingest");
