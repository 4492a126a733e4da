// From the wire to rows: checks a batch as a whole and turns it into columns and rows, or says why it can never be
// stored. A pure function of the message, its run and the limits: the same batch gives the same answer for ever, which is
// what lets a client put a rejected one aside.

import { crc32 } from "node:zlib";
import { fromBinary, toJson, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import {
  type Batch,
  type BatchBody,
  BatchBodySchema,
  CheckpointSchema,
  CodecError,
  ConfigEntrySchema,
  ConsoleStream,
  decodeBucketCounts,
  decodeIntColumn,
  integerMax,
  DropCountSchema,
  type Event,
  float64Column,
  MetricDefinitionSchema,
  RejectReason,
  RunEnvironmentSchema,
  RunFactsSchema,
  SummaryEntrySchema,
  type TensorSummary,
  UserAlertSchema,
} from "@gradwatch/proto";
import { metricKey, tensorKey } from "../storage/keys.ts";
import type { ScalarChunk } from "../storage/scalar-rows.ts";
import type { TensorRow } from "../storage/tensor-rows.ts";
import { checkClassRecord, classRow } from "./class-records.ts";
import { checkName, type IngestLimits } from "./limits.ts";
import { stepScalars } from "./step-records.ts";
import { tensorKindNames, phaseNames } from "./wire-names.ts";

export interface Rejection {
  readonly reason: RejectReason;
  readonly message: string;
}

/** A row of `run_events`, `console_lines` or `images`, without the run's and batch's identity. */
export type LooseRow = Readonly<Record<string, unknown>>;

export interface DecodedBatch {
  readonly seq: bigint;
  readonly producer: string;
  readonly body: BatchBody;
  readonly ver: bigint;
  readonly points: number;
  /** Encoded size, for bounding what waits. */
  readonly bytes: number;
  /** Names by key, for the name tables. */
  readonly metricNames: ReadonlyMap<bigint, string>;
  readonly tensorKeys: readonly bigint[];
  readonly scalars: readonly Omit<ScalarChunk, "run">[];
  readonly tensors: readonly Omit<TensorRow, "run">[];
  readonly events: readonly LooseRow[];
  readonly console: readonly LooseRow[];
  readonly images: readonly LooseRow[];
}

/** Checks the envelope and decodes the body; the body's own contents are checked by {@link decodeBatch}. */
export function openBatch(batch: Batch, limits: IngestLimits): BatchBody | Rejection {
  if (batch.producer.length !== 16) {
    return malformed(`producer id is ${batch.producer.length} bytes; it must be 16 random bytes`);
  }
  if (batch.body.length > limits.batchBytesMax) {
    return overLimit(
      `batch ${batch.seq} is ${batch.body.length} bytes; the limit is ${limits.batchBytesMax} (limits.batchBytesMax). Send smaller batches.`,
    );
  }
  const sum = crc32(batch.body);
  if (sum !== batch.crc32) {
    return {
      reason: RejectReason.CHECKSUM,
      message: `batch ${batch.seq} has CRC-32 ${hex(sum)}, its sender computed ${hex(batch.crc32)}: damaged on the way or on disk`,
    };
  }
  try {
    return fromBinary(BatchBodySchema, batch.body);
  } catch (error) {
    return malformed(`batch ${batch.seq} is not a BatchBody: ${messageOf(error)}`);
  }
}

export function decodeBatch(batch: Batch, body: BatchBody, limits: IngestLimits): DecodedBatch | Rejection {
  try {
    return decode(batch, body, limits);
  } catch (error) {
    if (error instanceof Unacceptable) return error.rejection;
    if (error instanceof CodecError) return malformed(`batch ${batch.seq}: ${error.message}`);
    throw error;
  }
}

class Unacceptable extends Error {
  readonly rejection: Rejection;

  constructor(rejection: Rejection) {
    super(rejection.message);
    this.rejection = rejection;
  }
}

function decode(batch: Batch, body: BatchBody, limits: IngestLimits): DecodedBatch {
  const metricKeys = body.metrics.map((name) => {
    requireName("metric name", name, limits);
    return metricKey(name);
  });
  const metricNames = new Map(metricKeys.map((key, i) => [key, body.metrics[i] as string]));
  const scalars = decodeScalars(body, metricKeys);
  const stepRows = stepScalars(body);
  for (const name of stepRows.names) metricNames.set(metricKey(name), name);
  for (const chunk of stepRows.chunks) requireSteps(chunk.steps, "a step record");
  scalars.push(...stepRows.chunks);
  const points = scalars.reduce((sum, chunk) => sum + chunk.values.length, 0);
  if (points > limits.batchPointsMax) {
    throw new Unacceptable(
      overLimit(
        `batch ${batch.seq} has ${points} points; the limit is ${limits.batchPointsMax} (limits.batchPointsMax). Send smaller batches.`,
      ),
    );
  }
  const tensorKeys = body.tensors.map((info) => {
    requireName("tensor name", info.name, limits);
    return tensorKey(tensorKindNames[info.kind] ?? "custom", phaseNames[info.phase] ?? "none", info.name);
  });
  return {
    seq: batch.seq,
    producer: Buffer.from(batch.producer).toString("hex"),
    body,
    ver: body.ver,
    points,
    bytes: batch.body.length,
    metricNames,
    tensorKeys,
    scalars,
    tensors: decodeTensors(body, tensorKeys, limits),
    events: [...eventRows(body), ...classRows(body), ...batchIdRows(body)].map((row, position) => ({ ...row, position })),
    console: consoleRows(body, limits),
    images: imageRows(body, limits),
  };
}

function decodeScalars(body: BatchBody, metricKeys: readonly bigint[]): Omit<ScalarChunk, "run">[] {
  return body.scalars.map((block, index) => {
    if (block.steps === undefined || block.times === undefined) throw new CodecError(`scalar block ${index} lacks steps or times`);
    const records = block.steps.count;
    if (records * block.metrics.length * 8 !== block.values.length) {
      throw new CodecError(
        `scalar block ${index} has ${block.values.length} bytes of values where ${block.metrics.length} metrics × ${records} records need ${records * block.metrics.length * 8}`,
      );
    }
    const steps = decodeIntColumn(block.steps, records);
    requireSteps(steps, `scalar block ${index}`);
    return {
      rank: body.rank,
      ver: body.ver,
      metrics: block.metrics.map((position) => {
        const key = metricKeys[position];
        if (key === undefined) throw new CodecError(`scalar block ${index} names metric ${position} of ${metricKeys.length}`);
        return key;
      }),
      steps,
      times: decodeIntColumn(block.times, records),
      values: float64Column(block.values, records * block.metrics.length),
    };
  });
}

function decodeTensors(body: BatchBody, keys: readonly bigint[], limits: IngestLimits): Omit<TensorRow, "run">[] {
  return body.tensorRecords.flatMap((record) => {
    requireStep(Number(record.step), "tensor record");
    return record.summaries.map((summary) => {
      const tensor = keys[summary.tensor];
      if (tensor === undefined) throw new CodecError(`a tensor summary names tensor ${summary.tensor} of ${keys.length}`);
      const { positive, negative } = bucketCounts(summary, limits);
      return {
        rank: body.rank,
        ver: body.ver,
        tensor,
        step: record.step,
        timeMs: record.timeMs,
        summary,
        positiveCounts: positive,
        negativeCounts: negative,
      };
    });
  });
}

/** Of the wire contract. */
const unitValuesMax = 256;

function bucketCounts(summary: TensorSummary, limits: IngestLimits): { positive: number[]; negative: number[] } {
  const { histogram, unitMeans, unitStds } = summary;
  if (unitMeans.length % 4 !== 0 || unitStds.length % 4 !== 0) {
    throw new CodecError("unit means and deviations must be whole float32 values");
  }
  if (unitMeans.length > 4 * unitValuesMax || ![0, unitMeans.length].includes(unitStds.length)) {
    throw new CodecError(
      `a tensor summary has ${unitMeans.length / 4} unit means and ${unitStds.length / 4} deviations; both must be as many, or no deviations, and the limit is ${unitValuesMax}`,
    );
  }
  if (histogram === undefined) return { positive: [], negative: [] };
  if (histogram.scale < -10 || histogram.scale > 20) {
    throw new CodecError(`histogram scale is ${histogram.scale}; the range is -10 to 20`);
  }
  const positive = decodeBucketCounts(histogram.positive?.counts ?? new Uint8Array(0), limits.histogramBucketsMax);
  const negative = decodeBucketCounts(histogram.negative?.counts ?? new Uint8Array(0), limits.histogramBucketsMax);
  if (positive.length + negative.length > limits.histogramBucketsMax) {
    throw new CodecError(
      `histogram has ${positive.length + negative.length} buckets; the limit is ${limits.histogramBucketsMax} (limits.histogramBucketsMax). Lower its scale.`,
    );
  }
  return { positive, negative };
}

const json = <Schema extends DescMessage>(schema: Schema, message: MessageShape<Schema>): string => JSON.stringify(toJson(schema, message));

function eventRows(body: BatchBody): LooseRow[] {
  return body.events.flatMap((event) => {
    const described = describeEvent(event);
    if (described === undefined) return [];
    return [{ ...described, step: event.step === undefined ? null : Number(event.step), time_ms: Number(event.timeMs) }];
  });
}

/** Undefined: a kind of event that a newer client knows and this server does not. */
function describeEvent({ event }: Event): { kind: string; body: string } | undefined {
  switch (event.case) {
    case "metricDefinition":
      return { kind: "metric-definition", body: json(MetricDefinitionSchema, event.value) };
    case "facts":
      return { kind: "facts", body: json(RunFactsSchema, event.value) };
    case "checkpoint":
      return { kind: "checkpoint", body: json(CheckpointSchema, event.value) };
    case "userAlert":
      return { kind: "user-alert", body: json(UserAlertSchema, event.value) };
    case "config":
      return { kind: "config", body: json(ConfigEntrySchema, event.value) };
    case "summary":
      return { kind: "summary", body: json(SummaryEntrySchema, event.value) };
    case "environment":
      return { kind: "environment", body: json(RunEnvironmentSchema, event.value) };
    case "drops":
      return { kind: "drops", body: json(DropCountSchema, event.value) };
    case undefined:
      return undefined;
  }
}

function classRows(body: BatchBody): LooseRow[] {
  return body.classes.map((record) => {
    requireStep(Number(record.step), "class record");
    checkClassRecord(record);
    return classRow(record);
  });
}

const batchIdRows = (body: BatchBody): LooseRow[] =>
  body.steps
    .filter((record) => record.batchId !== "")
    .map((record) => ({
      kind: "batch-id",
      body: JSON.stringify({ batchId: record.batchId }),
      step: Number(record.step),
      time_ms: Number(record.timeMs),
    }));

function consoleRows(body: BatchBody, limits: IngestLimits): LooseRow[] {
  return body.console.map((line, position) => {
    requireText("console line", line.text, limits);
    return {
      position,
      time_ms: Number(line.timeMs),
      stream: line.stream === ConsoleStream.STDERR ? "stderr" : "stdout",
      line: line.text,
    };
  });
}

const imageTypes = new Set(["image/png", "image/jpeg", "image/webp"]);

function imageRows(body: BatchBody, limits: IngestLimits): LooseRow[] {
  return body.images.map((image, position) => {
    requireName("image name", image.name, limits);
    requireStep(Number(image.step), "image");
    if (!imageTypes.has(image.mediaType)) {
      throw new Unacceptable(malformed(`image ${image.name} is ${JSON.stringify(image.mediaType)}; send ${[...imageTypes].join(", ")}`));
    }
    if (image.data.length > limits.imageBytesMax) {
      throw new Unacceptable(
        overLimit(
          `image ${image.name} is ${image.data.length} bytes; the limit is ${limits.imageBytesMax} (limits.imageBytesMax). Make it smaller.`,
        ),
      );
    }
    return {
      position,
      name: image.name,
      step: Number(image.step),
      time_ms: Number(image.timeMs),
      media_type: image.mediaType,
      width: image.width,
      height: image.height,
      caption: image.caption,
      data_base64: Buffer.from(image.data).toString("base64"),
    };
  });
}

function requireSteps(steps: Float64Array, where: string): void {
  for (const step of steps) if (step < 0) requireStep(step, where);
}

function requireStep(step: number, where: string): void {
  if (step >= 0 && step <= integerMax) return;
  throw new Unacceptable(overLimit(`${where} has step ${step}; the range is 0 to 2^50`));
}

function requireName(what: string, name: string, limits: IngestLimits): void {
  const breach = checkName(what, name, limits);
  if (breach !== undefined) throw new Unacceptable(overLimit(breach.message));
}

function requireText(what: string, text: string, limits: IngestLimits): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limits.textBytesMax) return;
  throw new Unacceptable(overLimit(`a ${what} is ${bytes} bytes; the limit is ${limits.textBytesMax} (limits.textBytesMax). Shorten it.`));
}

const malformed = (message: string): Rejection => ({ reason: RejectReason.MALFORMED, message });
const overLimit = (message: string): Rejection => ({ reason: RejectReason.LIMIT, message });
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const hex = (sum: number): string => sum.toString(16).padStart(8, "0");
