// Reads a batch as if it came step by step: columns and records are merged by step, each kept in its own order. Within a
// step: step record, tensors, scalars. Deliberately not by time: clocks of a training machine jump, steps seldom do.

import type { ObservationBatch, ScalarColumn, StepObservation, TensorObservation } from "./observation.ts";

export interface MergeVisitor {
  step(record: StepObservation): void;
  tensor(tensor: TensorObservation): void;
  point(column: ScalarColumn, index: number): void;
}

export function mergeBySteps(batch: ObservationBatch, columns: readonly ScalarColumn[], visitor: MergeVisitor): void {
  const heads = new Uint32Array(columns.length);
  let stepHead = 0;
  let tensorHead = 0;
  for (;;) {
    const record = batch.steps[stepHead];
    const tensor = batch.tensors[tensorHead];
    let first = -1;
    let firstStep = Number.POSITIVE_INFINITY;
    for (let c = 0; c < columns.length; c += 1) {
      const step = columns[c]!.steps[heads[c]!];
      // A step that is no number would be smaller than none: it is taken at once.
      if (step !== undefined && (first < 0 || !(step >= firstStep))) {
        first = c;
        firstStep = step;
      }
    }
    if (record !== undefined && !(record.step > firstStep) && (tensor === undefined || !(record.step > tensor.step))) {
      visitor.step(record);
      stepHead += 1;
    } else if (tensor !== undefined && !(tensor.step > firstStep)) {
      visitor.tensor(tensor);
      tensorHead += 1;
    } else if (first >= 0) {
      visitor.point(columns[first]!, heads[first]!);
      heads[first]! += 1;
    } else {
      return;
    }
  }
}
