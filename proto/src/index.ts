// The wire contract as TypeScript: generated messages, the grpc-js service definition, and the column codecs that
// protobuf itself is too slow or too large for. Holds no policy: limits and meaning are checked by the peers.

export * from "../gen/gradwatch/v1/batch_pb.ts";
export * from "../gen/gradwatch/v1/control_pb.ts";
export * from "../gen/gradwatch/v1/ingest_pb.ts";
export * from "../gen/gradwatch/v1/run_pb.ts";
export * from "../gen/gradwatch/v1/tensor_pb.ts";
export { ingestService, IngestClient } from "./grpc.ts";
export { decodeBucketCounts, encodeBucketCounts } from "./bucket-counts.ts";
export { decodeIntColumn, encodeIntColumn, integerMax } from "./int-column.ts";
export { float64Bytes, float64Column } from "./float-column.ts";
export { CodecError } from "./varint.ts";
export { isLoopback, isPrivate, keyFile, keyFolder, readKey, removeKey, writeKey } from "./key-file.ts";
