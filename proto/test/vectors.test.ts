// Golden vectors: what was once on the wire stays readable, and is still written byte for byte.

import { readFileSync } from "node:fs";
import { fromBinary, fromJson, toBinary, toJson, type DescMessage } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { decodeBucketCounts, decodeIntColumn, encodeIntColumn, float64Column } from "../src/index.ts";
import { allMessages, type ColumnVector, columnVectors, type MessageVector, messageVectors, vectorFile } from "./vectors.ts";

const read = <Vector>(name: "messages" | "columns"): Vector[] => JSON.parse(readFileSync(vectorFile(name), "utf8")) as Vector[];
const messages = read<MessageVector>("messages");
const columns = read<ColumnVector>("columns");
const bytesOf = (hex: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(hex, "hex"));
const schemaOf = (type: string): DescMessage => allMessages.find(({ typeName }) => typeName === type) as DescMessage;

describe("messages", () => {
  test.each(messages)("$name", ({ type, json, hex }) => {
    const schema = schemaOf(type);
    expect(toJson(schema, fromBinary(schema, bytesOf(hex)))).toEqual(json);
    expect(Buffer.from(toBinary(schema, fromJson(schema, json))).toString("hex")).toBe(hex);
  });

  test("the vectors hold every message and field of the contract", () => {
    expect(messageVectors()).toEqual(messages);
  });

  test("a field that an older peer does not know is kept out of its way", () => {
    for (const { type, json, hex } of messages) {
      const schema = schemaOf(type);
      // Field 15000, a varint.
      const extended = Uint8Array.of(...bytesOf(hex), 0xc0, 0xa9, 0x07, 0x01);
      expect(toJson(schema, fromBinary(schema, extended))).toEqual(json);
    }
  });
});

describe("columns", () => {
  test.each(columns)("$codec: $name", ({ codec, values, first = 0, stride = 0, hex }) => {
    const bytes = bytesOf(hex);
    if (codec === "int-column") {
      const column = { ...encodeIntColumn([]), count: values.length, first: BigInt(first), stride: BigInt(stride), deltas: bytes };
      expect([...decodeIntColumn(column, values.length)]).toEqual(values);
    } else if (codec === "float-column") {
      const bits = [...new BigUint64Array(float64Column(bytes, values.length).buffer)];
      expect(bits.map((one) => one.toString(16).padStart(16, "0"))).toEqual(values);
    } else {
      expect(decodeBucketCounts(bytes, values.length)).toEqual(values);
    }
  });

  test("are written as they always were", () => {
    expect(columnVectors()).toEqual(columns);
  });
});
