// The golden vectors: bytes that every implementation of the contract must write and read. Kept as text in
// proto/vectors; `node --conditions=source proto/test/vectors.ts` writes them anew.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type DescFile, type DescMessage, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { file_gradwatch_v1_batch } from "../gen/gradwatch/v1/batch_pb.ts";
import { file_gradwatch_v1_control } from "../gen/gradwatch/v1/control_pb.ts";
import { file_gradwatch_v1_ingest } from "../gen/gradwatch/v1/ingest_pb.ts";
import { file_gradwatch_v1_run } from "../gen/gradwatch/v1/run_pb.ts";
import { file_gradwatch_v1_tensor } from "../gen/gradwatch/v1/tensor_pb.ts";
import { encodeBucketCounts, encodeIntColumn, float64Bytes, integerMax } from "../src/index.ts";
import { fullMessages } from "./full-message.ts";

export const files: readonly DescFile[] = [
  file_gradwatch_v1_batch,
  file_gradwatch_v1_control,
  file_gradwatch_v1_ingest,
  file_gradwatch_v1_run,
  file_gradwatch_v1_tensor,
];

export const allMessages: readonly DescMessage[] = files.flatMap((file) =>
  file.messages.flatMap((message) => [message, ...message.nestedMessages]),
);

export interface MessageVector {
  readonly name: string;
  readonly type: string;
  /** ProtoJSON. */
  readonly json: JsonValue;
  readonly hex: string;
}

export interface ColumnVector {
  readonly name: string;
  readonly codec: "int-column" | "float-column" | "bucket-counts";
  /** Floats as the hex of their big-endian bits. */
  readonly values: readonly (number | string)[];
  readonly first?: number;
  readonly stride?: number;
  readonly hex: string;
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export const messageVectors = (): MessageVector[] =>
  allMessages.flatMap(fullMessages).map(({ name, schema, message }) => ({
    name,
    type: schema.typeName,
    json: toJson(schema, message),
    hex: hexOf(toBinary(schema, message)),
  }));

export function columnVectors(): ColumnVector[] {
  const integers = (name: string, values: readonly number[]): ColumnVector => {
    const { first, stride, deltas } = encodeIntColumn(values);
    return { name, codec: "int-column", values, first: Number(first), stride: Number(stride), hex: hexOf(deltas) };
  };
  const floats = (name: string, bits: readonly string[]): ColumnVector => {
    const values = new Float64Array(BigUint64Array.from(bits, (one) => BigInt(`0x${one}`)).buffer);
    return { name, codec: "float-column", values: bits, hex: hexOf(float64Bytes(values)) };
  };
  const counts = (name: string, values: readonly number[]): ColumnVector => ({
    name,
    codec: "bucket-counts",
    values,
    hex: hexOf(encodeBucketCounts(values)),
  });
  return [
    integers("empty", []),
    integers("one", [7]),
    integers("regular", [10, 20, 30, 40]),
    integers("irregular, backwards", [0, 1, 2, 10, 3, 3]),
    integers("times in milliseconds", [1_700_000_000_000, 1_700_000_000_100, 1_700_000_000_203]),
    integers("the extremes", [-integerMax, integerMax, -integerMax, 0]),
    floats("1, -0, the smallest and the largest", ["3ff0000000000000", "8000000000000000", "0000000000000001", "7fefffffffffffff"]),
    floats("infinities and NaN with a payload", ["7ff0000000000000", "fff0000000000000", "7ff8000000000000", "fff8000000000001"]),
    counts("small and large", [0, 1, 127, 128, 300, 2 ** 32, Number.MAX_SAFE_INTEGER]),
  ];
}

export const vectorFile = (name: "messages" | "columns"): string => fileURLToPath(new URL(`../vectors/${name}.json`, import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, vectors] of [["messages", messageVectors()] as const, ["columns", columnVectors()] as const]) {
    writeFileSync(vectorFile(name), `[\n${vectors.map((vector) => `  ${JSON.stringify(vector)}`).join(",\n")}\n]\n`);
  }
}
