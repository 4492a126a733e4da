// Class records and values by unit that do not hold what the wire promises: refused as a whole, with the numbers.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { BatchBodySchema, BatchSchema, type ClassRecordSchema, RejectReason, type TensorSummarySchema } from "@gradwatch/proto";
import { describe, expect, test } from "vitest";
import { decodeBatch } from "../../src/ingest/decode-batch.ts";
import { defaultLimits } from "../../src/ingest/limits.ts";

const decode = (given: MessageInitShape<typeof BatchBodySchema>) =>
  decodeBatch(
    create(BatchSchema, { producer: new Uint8Array(16), seq: 7n }),
    create(BatchBodySchema, { project: "p", runId: "r", ...given }),
    defaultLimits,
  );
const ones = (length: number): bigint[] => new Array<bigint>(length).fill(1n);
const record = (given: MessageInitShape<typeof ClassRecordSchema>) => decode({ classes: [{ step: 3n, ...given }] });
const summary = (given: MessageInitShape<typeof TensorSummarySchema>) =>
  decode({ tensors: [{ name: "x" }], tensorRecords: [{ step: 3n, summaries: [{ tensor: 0, ...given }] }] });

describe("a class record", () => {
  test.each([
    ["too many classes", { labelCounts: ones(65) }, /counts 65 classes; the limit is 64/],
    ["fewer predictions than labels", { labelCounts: ones(3), predictionCounts: ones(2) }, /predictionCounts .* 2 entries for 3 classes/],
    ["fewer labels than predictions", { labelCounts: ones(2), predictionCounts: ones(3) }, /labelCounts .* 2 entries for 3 classes/],
    ["an error too many", { labelCounts: ones(2), classError: [0, 0, 0] }, /classError .* 3 entries for 2 classes/],
    ["a confusion that is no square", { labelCounts: ones(3), confusion: ones(8) }, /confusion .* 8 entries; 3 classes need 9/],
  ])("with %s is malformed", (_name, given, says) => {
    expect(record(given)).toEqual({ reason: RejectReason.MALFORMED, message: expect.stringMatching(says) });
  });

  test("with a negative step is out of range", () => {
    expect(record({ step: -1n })).toMatchObject({
      reason: RejectReason.LIMIT,
      message: expect.stringContaining("class record has step -1"),
    });
  });

  test.each([
    {},
    { labelCounts: ones(64), predictionCounts: ones(64), confusion: ones(64 ** 2), classError: new Array<number>(64).fill(0) },
  ])("that keeps the promise is taken", (given) => {
    expect(record(given)).toMatchObject({ events: [{ kind: "class", step: 3 }] });
  });
});

describe("a tensor summary", () => {
  test.each([
    ["too many units", { unitMeans: new Uint8Array(4 * 257) }, /257 unit means and 0 deviations.* the limit is 256/],
    ["fewer deviations than means", { unitMeans: new Uint8Array(8), unitStds: new Uint8Array(4) }, /2 unit means and 1 deviations/],
    ["half a value", { unitMeans: new Uint8Array(6) }, /whole float32 values/],
  ])("with %s is malformed", (_name, given, says) => {
    expect(summary(given)).toEqual({ reason: RejectReason.MALFORMED, message: expect.stringMatching(says) });
  });

  test("with 256 means, and deviations or none, is taken", () => {
    for (const unitStds of [new Uint8Array(1024), new Uint8Array(0)]) {
      expect(summary({ unitMeans: new Uint8Array(1024), unitStds })).toMatchObject({ tensors: [{ step: 3n }] });
    }
  });
});
