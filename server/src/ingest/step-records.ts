// Step records become scalar series "step/<field>": one way to store, draw and watch numbers.

import type { BatchBody, StepRecord } from "@gradwatch/proto";
import { metricKey } from "../storage/keys.ts";
import type { ScalarChunk } from "../storage/scalar-rows.ts";

interface Field {
  readonly name: string;
  readonly of: (record: StepRecord) => number | undefined;
}

const fields: readonly Field[] = [
  { name: "step/loss", of: (record) => record.loss },
  { name: "step/gradient_norm", of: (record) => record.gradientNorm },
  { name: "step/clip_threshold", of: (record) => record.clipThreshold },
  { name: "step/loss_scale", of: (record) => record.lossScale },
  { name: "step/skipped", of: (record) => (record.skipped === undefined ? undefined : Number(record.skipped)) },
  { name: "step/batch_size", of: (record) => (record.batchSize === undefined ? undefined : Number(record.batchSize)) },
  { name: "step/step_time_ms", of: (record) => record.stepTimeMs },
  { name: "step/data_wait_ms", of: (record) => record.dataWaitMs },
  { name: "step/update_surprise_rms", of: (record) => record.updateSurpriseRms },
  { name: "step/phase", of: (record) => (record.phase === 0 ? undefined : record.phase) },
];

/** The first group keeps the plain name: most runs have one. */
const learningRateName = (group: number): string => (group === 0 ? "step/learning_rate" : `step/learning_rate/${group}`);

export function stepScalars(body: BatchBody): { names: string[]; chunks: Omit<ScalarChunk, "run">[] } {
  const names: string[] = [];
  const chunks: Omit<ScalarChunk, "run">[] = [];
  const groups = body.steps.reduce((most, record) => Math.max(most, record.learningRate.length), 0);
  const all: Field[] = [...fields];
  for (let group = 0; group < groups; group++) {
    all.push({ name: learningRateName(group), of: (record) => record.learningRate[group] });
  }
  for (const { name, of } of all) {
    const present = body.steps.filter((record) => of(record) !== undefined);
    if (present.length === 0) continue;
    names.push(name);
    chunks.push({
      rank: body.rank,
      ver: body.ver,
      metrics: [metricKey(name)],
      steps: Float64Array.from(present, (record) => Number(record.step)),
      times: Float64Array.from(present, (record) => Number(record.timeMs)),
      values: Float64Array.from(present, (record) => of(record) as number),
    });
  }
  return { names, chunks };
}
