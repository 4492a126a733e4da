// A committed batch as the rules see it.

import type { BatchBody, RunFacts as WireFacts } from "@gradwatch/proto";
import type { MetricRole, ObservationBatch, RunFacts, ScalarColumn, TensorObservation } from "../detect/observation.ts";
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
        },
      ];
    }),
  );
}

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
