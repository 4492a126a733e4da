// Collects what one run logs and turns it into batch bodies, by size and by age. A body is complete but for session and
// version, which only the server's answer to OpenRun can give: they are appended when the batch is sealed, as protobuf
// allows fields in any order. Everything here runs in short slices on the training thread; log() itself only writes
// numbers into columns.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  BatchBodySchema,
  type ConsoleLine,
  type Event,
  EventSchema,
  type Image,
  type StepRecord,
  type TensorInfo,
  type TensorRecord,
  TensorRecordSchema,
} from "@gradwatch/proto";
import type { Part, Parts } from "./outbox.ts";
import { createScalarColumns } from "./scalar-columns.ts";
import type { SummarizedTensor } from "./types.ts";
import type { Ledger } from "./warnings.ts";
import { stepRecordPoints, tensorInfo, tensorSummary } from "./wire-tensor.ts";

/** The parts of a closed batch, without number and version. */
export type Draft = Parts;

export interface BatcherOptions {
  readonly project: string;
  readonly runId: string;
  readonly rank: number;
  readonly ledger: Ledger;
  /** Points and estimated bytes after which a batch is closed without waiting for its age. */
  readonly pointsMax: number;
  readonly bytesMax: number;
}

export interface Batcher {
  scalars(names: readonly string[], values: ArrayLike<number>, count: number, step: number, timeMs: number): void;
  summaries(summaries: readonly SummarizedTensor[], step: number, timeMs: number): void;
  step(record: StepRecord): void;
  event(event: Event["event"], timeMs: number, step: number | undefined): void;
  console(line: ConsoleLine): void;
  image(image: Image): void;
  readonly points: () => number;
  readonly isFull: () => boolean;
  /** Everything collected, as one draft; undefined when there is nothing. */
  take(): Draft | undefined;
}

/** Usual sizes on the wire, of a summary without its buckets and of a step record. */
const SUMMARY_BYTES = 150;
const STEP_BYTES = 80;
const CONSOLE_BYTES = 16;

export function createBatcher(options: BatcherOptions): Batcher {
  const columns = createScalarColumns();
  let tensors: TensorInfo[] = [];
  let tensorIndex = new Map<string, number>();
  let tensorRecords: TensorRecord[] = [];
  let steps: StepRecord[] = [];
  let events: Event[] = [];
  let consoleLines: ConsoleLine[] = [];
  let images: Image[] = [];
  let tensorPoints = 0;
  /** Of step records and events. */
  let loosePoints = 0;
  /** About what all but the scalars will take: a hundred tensor summaries weigh more than a thousand scalars. */
  let looseBytes = 0;

  function indexOf(summarized: SummarizedTensor): number {
    const key = `${summarized.kind ?? "custom"}\0${summarized.phase ?? ""}\0${summarized.name}`;
    let index = tensorIndex.get(key);
    if (index === undefined) {
      index = tensors.push(tensorInfo(summarized.name, summarized)) - 1;
      tensorIndex.set(key, index);
    }
    return index;
  }

  const points = (): number => columns.points() + loosePoints + tensorPoints + consoleLines.length + images.length;

  /** Fields of a body that come after those of its data. */
  const part = (fields: MessageInitShape<typeof BatchBodySchema>, partPoints: number): Part | undefined =>
    partPoints === 0 ? undefined : { points: partPoints, body: toBinary(BatchBodySchema, create(BatchBodySchema, fields)) };

  return {
    scalars: columns.append,
    summaries(summaries, step, timeMs) {
      const converted = summaries.map((summarized) => tensorSummary(indexOf(summarized), summarized.summary, undefined));
      tensorRecords.push(create(TensorRecordSchema, { step: BigInt(step), timeMs: BigInt(timeMs), summaries: converted }));
      tensorPoints += summaries.length;
      for (const { histogram } of converted) {
        looseBytes += SUMMARY_BYTES + (histogram?.positive?.counts.length ?? 0) + (histogram?.negative?.counts.length ?? 0);
      }
    },
    step(record) {
      steps.push(record);
      loosePoints += stepRecordPoints(record);
      looseBytes += STEP_BYTES;
    },
    event(event, timeMs, step) {
      events.push(create(EventSchema, { event, timeMs: BigInt(timeMs), ...(step === undefined ? {} : { step: BigInt(step) }) }));
      loosePoints += 1;
    },
    console(line) {
      consoleLines.push(line);
      looseBytes += CONSOLE_BYTES + line.text.length;
    },
    image(image) {
      images.push(image);
      looseBytes += image.data.length;
    },
    points,
    isFull: () => points() >= options.pointsMax || looseBytes >= options.bytesMax,
    take() {
      if (points() === 0) return undefined;
      const { metrics, blocks, points: scalarPoints, overwritten } = columns.take();
      options.ledger.drop("overwritten in the same batch", overwritten);
      const data = create(BatchBodySchema, {
        project: options.project,
        runId: options.runId,
        rank: options.rank,
        metrics,
        scalars: blocks,
        steps,
        events,
      });
      const draft: Draft = {
        data: { points: scalarPoints + loosePoints, body: toBinary(BatchBodySchema, data) },
        tensors: part({ tensors, tensorRecords }, tensorPoints),
        console: part({ console: consoleLines }, consoleLines.length),
        images: part({ images }, images.length),
      };
      tensors = [];
      tensorIndex = new Map();
      tensorRecords = [];
      steps = [];
      events = [];
      consoleLines = [];
      images = [];
      tensorPoints = 0;
      loosePoints = 0;
      looseBytes = 0;
      return draft;
    },
  };
}
