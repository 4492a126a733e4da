// A committed batch as the rules see it.

import type { BatchBody, ClassRecord, RunFacts as WireFacts, TensorSummary } from "@gradwatch/proto";
import type { ClassObservation, MetricRole, ObservationBatch, RunFacts, ScalarColumn, TensorObservation } from "../detect/observation.ts";
import type { CommitItem } from "../ingest/insert-group.ts";
import { lossKindNames, phaseNames, tensorKindNames, tensorRoleNames } from "../ingest/wire-names.ts";

export function observationsOf({ run, batch }: CommitItem, roleOf: (metric: string) => MetricRole): ObservationBatch {
  const { body } = batch;
  const facts = body.events.flatMap(({ event }) => (event.case === "facts" ? [factsOf(event.value)] : []));
  return {
    rank: body.rank,
    session: body.session,
    scalars: batch.scalars.flatMap((chunk) =>
      chunk.metrics.map((key, m): ScalarColumn => {
        const metric = batch.metricNames.get(key) ?? run.metrics.get(key) ?? "";
        const records = chunk.steps.length;
        const values = chunk.values.subarray(m * records, (m + 1) * records);
        return { metric, role: roleOf(metric), steps: chunk.steps, times: chunk.times, values };
      }),
    ),
    tensors: tensorObservations(body),
    steps: body.steps
      .filter((record) => record.skipped !== undefined || record.batchId !== "")
      .map((record) => ({
        step: Number(record.step),
        ...(record.skipped === undefined ? {} : { skipped: record.skipped }),
        ...(record.batchId === "" ? {} : { batchId: record.batchId }),
      })),
    classes: body.classes.map(classObservation),
    ...(facts.length === 0 ? {} : { facts: Object.assign({}, ...facts) as RunFacts }),
    checkpoints: body.events.flatMap(({ event }) =>
      event.case === "checkpoint" ? [{ step: Number(event.value.step), path: event.value.path }] : [],
    ),
  };
}

function tensorObservations(body: BatchBody): TensorObservation[] {
  return body.tensorRecords.flatMap((record) =>
    record.summaries.flatMap((summary) => {
      const info = body.tensors[summary.tensor];
      if (info === undefined) return [];
      return [
        {
          name: info.name,
          kind: tensorKindNames[info.kind] ?? "custom",
          layer: info.layer,
          topologicalIndex: info.topologicalIndex,
          role: tensorRoleNames[info.role] ?? "none",
          phase: phaseNames[info.phase] ?? "none",
          activation: info.activation,
          step: Number(record.step),
          time: Number(record.timeMs),
          count: Number(summary.count),
          nan: Number(summary.nan),
          positiveInfinity: Number(summary.positiveInfinity),
          negativeInfinity: Number(summary.negativeInfinity),
          zero: Number(summary.zero),
          ...(summary.min === undefined ? {} : { min: summary.min }),
          ...(summary.max === undefined ? {} : { max: summary.max }),
          sum: summary.sum,
          sumSquares: summary.sumSquares,
          sumAbsolute: summary.sumAbsolute,
          samples: Number(summary.samples),
          units: Number(summary.units),
          unitsActiveBelow2Permille: Number(summary.unitsActiveBelow2Permille),
          unitsActiveBelow1Percent: Number(summary.unitsActiveBelow1Percent),
          unitsZeroSpread: Number(summary.unitsZeroSpread),
          ...(summary.derivativeBelow5Percent === undefined ? {} : { derivativeBelow5Percent: summary.derivativeBelow5Percent }),
          ...(summary.updateSurpriseRms === undefined ? {} : { updateSurpriseRms: summary.updateSurpriseRms }),
          ...unitsOf(summary),
        },
      ];
    }),
  );
}

function unitsOf({ unitMeans, unitStds }: TensorSummary): Pick<TensorObservation, "unitMeans" | "unitStds"> {
  return {
    ...(unitMeans.length === 0 ? {} : { unitMeans: floatsOf(unitMeans) }),
    ...(unitStds.length === 0 ? {} : { unitStds: floatsOf(unitStds) }),
  };
}

/** float32, little-endian, from any byte on. */
function floatsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / 4 }, (_none, i) => view.getFloat32(i * 4, true));
}

export const classObservation = (record: ClassRecord): ClassObservation => ({
  step: Number(record.step),
  time: Number(record.timeMs),
  phase: phaseNames[record.phase] ?? "none",
  labelCounts: record.labelCounts.map(Number),
  predictionCounts: record.predictionCounts.map(Number),
  confusion: record.confusion.map(Number),
  classError: record.classError,
});

export function factsOf(facts: WireFacts): RunFacts {
  const lossKind = lossKindNames[facts.lossKind];
  return {
    ...(facts.plannedSteps === undefined ? {} : { plannedSteps: Number(facts.plannedSteps) }),
    ...(lossKind === undefined ? {} : { lossKind }),
    ...(facts.classes === undefined ? {} : { classes: facts.classes }),
    ...(facts.depth === undefined ? {} : { depth: facts.depth }),
    ...(facts.trainSamples === undefined ? {} : { trainSamples: Number(facts.trainSamples) }),
    ...(facts.validationSamples === undefined ? {} : { validationSamples: Number(facts.validationSamples) }),
    ...(facts.sanityRun === undefined ? {} : { sanityRun: facts.sanityRun }),
    ...(facts.optimizer === "" ? {} : { optimizer: facts.optimizer }),
    ...(facts.targetStd === undefined ? {} : { targetStd: facts.targetStd }),
  };
}
