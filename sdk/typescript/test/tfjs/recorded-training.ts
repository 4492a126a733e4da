// A few steps of the plain network's training on the present backend, seen from two sides: what the callback sent, as a server
// gets it, and the raw tensors, read beside the callback.

import { fromBinary } from "@bufbuild/protobuf";
import { BatchBodySchema, type StepRecord, TensorKind, type TensorSummary } from "@gradwatch/proto";
import type * as tfjs from "@tensorflow/tfjs";
import { init } from "../../src/index.ts";
import { gradwatchCallback } from "../../src/tfjs/index.ts";
import { startPeer } from "../scripted-peer.ts";
import { type Batch, BATCH, inputOf, makeBatch, makeModel, NAMES, targetOf, type WeightName, type Weights } from "./plain-network.ts";

export const STEPS = 4;

export const KINDS = { weight: TensorKind.WEIGHT, gradient: TensorKind.GRADIENT, update: TensorKind.UPDATE } as const;
export type Kind = keyof typeof KINDS;

export interface RecordedStep {
  readonly batch: Batch;
  readonly record: StepRecord;
  /** What was sent of this weight. */
  summary(kind: Kind, name: WeightName): TensorSummary;
  /** Before the update. */
  readonly weights: Weights;
  readonly gradients: Weights;
  /** New weight − old weight, rounded to float32 as the subtraction is. */
  readonly updates: Weights;
}

export async function recordTraining(makeOptimizer: () => tfjs.Optimizer): Promise<RecordedStep[]> {
  const model = makeModel(makeOptimizer());
  const raw = recordRaw(model);
  const peer = await startPeer();
  const run = init({ project: "p", id: "r", url: peer.address, verbose: false });
  const batches = Array.from({ length: STEPS }, (_, step) => makeBatch(step));
  for (const [step, batch] of batches.entries()) {
    const [x, y] = [inputOf(batch), targetOf(batch)];
    const callbacks = gradwatchCallback(run, { every: 1, initialStep: step, budget: Infinity });
    await model.fit(x, y, { epochs: 1, batchSize: BATCH, shuffle: false, verbose: 0, callbacks });
    x.dispose();
    y.dispose();
  }
  await run.finish();
  peer.stop();
  const bodies = peer.batches.map(({ body }) => fromBinary(BatchBodySchema, body));
  return batches.map((batch, step) => ({
    batch,
    record: one(bodies.flatMap(({ steps }) => steps.filter((record) => Number(record.step) === step))),
    summary: (kind, name) =>
      one(
        bodies.flatMap(({ tensors, tensorRecords }) =>
          tensorRecords
            .filter((record) => Number(record.step) === step)
            .flatMap(({ summaries }) => summaries)
            .filter(({ tensor }) => tensors[tensor]?.name === name && tensors[tensor]?.kind === KINDS[kind]),
        ),
      ),
    ...(raw[step] as RawStep),
  }));
}

type RawStep = Pick<RecordedStep, "weights" | "gradients" | "updates">;

/** Reads around the optimiser's own `applyGradients`, which the callback wraps in turn. */
function recordRaw(model: tfjs.Sequential): readonly RawStep[] {
  const steps: RawStep[] = [];
  const { optimizer } = model;
  const { applyGradients } = optimizer;
  const named = (values: readonly ArrayLike<number>[]): Weights =>
    Object.fromEntries(NAMES.map((name, i) => [name, values[i]])) as unknown as Weights;
  const read = (): Float32Array[] => model.getWeights().map((weight) => Float32Array.from(weight.dataSync()));
  optimizer.applyGradients = (given) => {
    const byName = new Map(Array.isArray(given) ? given.map(({ name, tensor }) => [name, tensor]) : Object.entries(given));
    const gradients = model.trainableWeights.map((weight) => {
      const { name } = weight.read() as tfjs.Variable;
      return Float32Array.from(one([byName.get(name)]).dataSync());
    });
    const before = read();
    applyGradients.call(optimizer, given);
    const updates = read().map((after, w) => after.map((value, i) => value - (before[w]?.[i] as number)));
    steps.push({ weights: named(before), gradients: named(gradients), updates: named(updates) });
  };
  return steps;
}

function one<T>(found: readonly (T | undefined)[]): T {
  const [first, ...more] = found;
  if (first === undefined || more.length > 0) throw new Error(`expected one, found ${found.length} (or undefined)`);
  return first;
}
