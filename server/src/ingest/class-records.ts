// Class records on their way in: what the wire promises of their shape is checked here, so that readers may rely on it.

import { toJson } from "@bufbuild/protobuf";
import { type ClassRecord, ClassRecordSchema, CodecError } from "@gradwatch/proto";

/** Of the wire contract: a confusion has at most 64 × 64 cells. */
const classesMax = 64;

/** @throws CodecError */
export function checkClassRecord({ labelCounts, predictionCounts, confusion, classError }: ClassRecord): void {
  const classes = Math.max(labelCounts.length, predictionCounts.length);
  if (classes > classesMax) throw new CodecError(`a class record counts ${classes} classes; the limit is ${classesMax}`);
  const lists = {
    labelCounts: [labelCounts, classes],
    predictionCounts: [predictionCounts, classes],
    classError: [classError, classes],
  } as const;
  for (const [name, [list, wanted]] of Object.entries(lists)) {
    if (list.length !== 0 && list.length !== wanted) {
      throw new CodecError(`${name} of a class record has ${list.length} entries for ${wanted} classes`);
    }
  }
  if (confusion.length !== 0 && confusion.length !== classes ** 2) {
    throw new CodecError(`the confusion of a class record has ${confusion.length} entries; ${classes} classes need ${classes ** 2}`);
  }
}

/** A row of `run_events`, without run and batch. */
export const classRow = (record: ClassRecord) => ({
  kind: "class",
  body: JSON.stringify(toJson(ClassRecordSchema, record)),
  step: Number(record.step),
  time_ms: Number(record.timeMs),
});
