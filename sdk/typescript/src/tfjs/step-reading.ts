// Reads what one step's tensors say, as its plan wants it: summaries of everything on some steps, on those between them what is cheap. All readings
// of a step are read at once.

import type * as tf from "@tensorflow/tfjs";
import type { ClassRecordValues, LossKind, SummarizedTensor, TensorKind, TensorSummaryValues } from "../types.ts";
import type { StepPlan } from "./cadence.ts";
import { classesOf, classIndices, type ClassWindow, createClassWindow } from "./class-counts.ts";
import { addForward, createUnitWindows, type UnitWindows } from "./forward-reading.ts";
import type { ForwardPass } from "./forward-pass.ts";
import { normOf, normOfNorms } from "./norm-reduction.ts";
import { createReadings, type Readings, valuesOfTensor } from "./readings.ts";
import type { HeldStep, HeldTensor } from "./step-capture.ts";
import { summaryOf } from "./summary-reduction.ts";
import { addInputImages } from "./input-images.ts";
import { meanSquaresOf, meanSurprise, surpriseRms } from "./update-surprise.ts";
import { addWeightImages, type KernelShape, type NamedImage } from "./weight-images.ts";

export interface StepFindings {
  readonly summaries: readonly SummarizedTensor[];
  /** Undefined where it was known. */
  readonly loss: number | undefined;
  /** L2, of all gradients together. */
  readonly gradientNorm: number | undefined;
  /** The norm that they were clipped to. */
  readonly clipThreshold: number | undefined;
  readonly updateSurpriseRms: number | undefined;
  readonly classes: ClassRecordValues | undefined;
  /** Of this step's samples alone: labels, then predictions. */
  readonly classIndices: readonly { readonly classes: number; readonly indices: ArrayLike<number> }[];
  readonly images: readonly NamedImage[];
}

/** What goes on from step to step. */
export interface ReadingState {
  readonly units: UnitWindows;
  readonly classes: ClassWindow;
}

export const createReadingState = (): ReadingState => ({ units: createUnitWindows(), classes: createClassWindow("train") });

export interface StepReadingOptions {
  readonly isLossKnown: boolean;
  readonly engine: typeof tf;
  readonly optimizer: tf.Optimizer;
  readonly state: ReadingState;
  /** By output of the model. */
  readonly outputLosses: readonly OutputLoss[];
  readonly drawable: ReadonlyMap<string, KernelShape>;
  /** Of the inputs, drawn with the other images. */
  readonly inputSamples: number;
}

/** What is known of the loss of one output. */
export interface OutputLoss {
  /** Of the output. */
  readonly name: string;
  readonly kind: LossKind | undefined;
  readonly isFromLogits: boolean;
}

/** The step's tensors are read when this returns or, where an accelerator has them, when the promise does; they stay the caller's. */
export function readStep(held: HeldStep, plan: StepPlan, options: StepReadingOptions): StepFindings | Promise<StepFindings> {
  const { engine } = options;
  const readings = createReadings(engine);
  let findings: (() => StepFindings) | undefined;
  let running: Promise<void> | undefined;
  // What is computed for reading alone ends with this tidy; by then it was read, or its statistics were computed.
  engine.tidy(() => {
    findings = addStep(readings, held, plan, options);
    running = readings.run();
  });
  const done = findings as unknown as () => StepFindings;
  // Assigned in the tidy's function, which the compiler does not follow.
  return running?.then(done) ?? done();
}

function addStep(readings: Readings, held: HeldStep, plan: StepPlan, options: StepReadingOptions): () => StepFindings {
  const { engine, optimizer, state, outputLosses } = options;
  const { groups, norm, light } = plan;
  const wants = (group: "gradients" | "weights" | "updates"): boolean => groups.has(group);
  const summaries = [
    ...(wants("gradients") ? addTensors(readings, held.gradients, "gradient") : []),
    ...(wants("weights") ? addTensors(readings, held.weights, "weight") : []),
    ...(wants("updates") ? addTensors(readings, updatesOf(held), "update") : []),
    ...(held.pass === undefined ? [] : addForward(engine, readings, held.pass, plan, state.units)),
    ...(held.pass === undefined || !groups.has("data") ? [] : addTargets(readings, held.pass, outputLosses)),
  ];
  const loss = held.loss === undefined || options.isLossKnown ? undefined : readings.add(valuesOfTensor(held.loss));
  const norms = norm ? held.gradients.map(({ tensor }) => readings.add(normOf(tensor))) : undefined;
  const applied = norm ? held.applied?.map(({ tensor }) => readings.add(normOf(tensor))) : undefined;
  const surprises = wants("gradients") ? addSurprises(readings, optimizer, held.gradients) : undefined;
  const indices = held.pass === undefined || !light ? [] : addLabels(readings, held.pass, outputLosses);

  const images = groups.has("images")
    ? [
        ...addWeightImages(readings, held.weights, options.drawable),
        ...(held.pass === undefined ? [] : addInputImages(readings, held.pass, options.inputSamples)),
      ]
    : [];

  return () => {
    const counted = indices.map(({ classes, values }) => ({ classes, indices: values() }));
    for (const { classes, indices: one } of counted) state.classes.add(classes, one);
    const before = norms?.map((norm) => norm());
    const byVariable = new Map(surprises?.map(({ variable, mean }) => [variable, Math.sqrt(mean())]));
    return {
      summaries: summaries.flatMap((summary) => summary(byVariable) ?? []),
      loss: loss?.()[0],
      gradientNorm: before === undefined || before.length === 0 ? undefined : normOfNorms(before),
      clipThreshold:
        before === undefined || applied === undefined
          ? undefined
          : clippedTo(
              before,
              applied.map((norm) => norm()),
            ),
      updateSurpriseRms: surprises && surpriseRms(surprises.map(({ mean, elements }) => ({ mean: mean(), elements }))),
      classes: groups.has("data") ? state.classes.take() : undefined,
      classIndices: counted,
      images: images.map((image) => image()),
    };
  };
}

/** Given RMS(g²/v) by name of the variable. */
export type LateSummary = (surprise: ReadonlyMap<string, number>) => SummarizedTensor;

function addTensors(readings: Readings, tensors: readonly HeldTensor[], kind: TensorKind): LateSummary[] {
  return tensors.map(({ weight, tensor }) => {
    const summary = readings.add(summaryOf(tensor, { hash: kind === "weight" }));
    return (surprise) => {
      const updateSurpriseRms = kind === "gradient" ? surprise.get(weight.variable.name) : undefined;
      const values: TensorSummaryValues = { ...summary(), ...(updateSurpriseRms === undefined ? {} : { updateSurpriseRms }) };
      return { name: weight.name, ...weight.meta, kind, summary: values };
    };
  });
}

/** New weight − old weight, of each weight that has a gradient. The update has been made by now: variables hold the new values. */
function updatesOf({ gradients, weights }: HeldStep): HeldTensor[] {
  const changed = new Set(gradients.map(({ weight }) => weight.variable));
  return weights
    .filter(({ weight }) => changed.has(weight.variable))
    .map(({ weight, tensor }) => ({ weight, tensor: weight.variable.sub(tensor) }));
}

function addSurprises(readings: Readings, optimizer: tf.Optimizer, gradients: readonly HeldTensor[]) {
  const squares = meanSquaresOf(optimizer);
  if (squares === undefined) return undefined;
  return gradients.flatMap(({ weight, tensor }) => {
    const meanSquare = squares.byVariable.get(weight.variable.name);
    if (meanSquare === undefined) return [];
    return [{ variable: weight.variable.name, elements: tensor.size, mean: readings.add(meanSurprise(tensor, meanSquare, squares)) }];
  });
}

/** Of the first output that is a classifier's. */
function addLabels(readings: Readings, pass: ForwardPass, outputLosses: readonly OutputLoss[]) {
  for (const [output, labelled] of pass.labelled()) {
    const loss = outputLosses[output];
    const classes = labelled[0] && classesOf(loss?.kind, labelled[0].predictions);
    if (classes === undefined) continue;
    return labelled.map(({ labels, predictions }) => ({
      classes,
      values: readings.add(classIndices(labels, predictions, loss?.isFromLogits === true)),
    }));
  }
  return [];
}

/** Labels that are no classes: targets of a regression. */
function addTargets(readings: Readings, pass: ForwardPass, outputLosses: readonly OutputLoss[]): LateSummary[] {
  return [...pass.labelled()].flatMap(([output, [first]]) => {
    const loss = outputLosses[output];
    if (first === undefined || loss === undefined || classesOf(loss.kind, first.predictions) !== undefined) return [];
    const { labels } = first;
    const summary = readings.add(summaryOf(labels));
    const meta = { kind: "label" as const, layer: loss.name, dtype: labels.dtype, shape: labels.shape.slice(1), phase: "train" as const };
    return [() => ({ name: loss.name, ...meta, summary: { ...summary(), samples: labels.shape[0] ?? 1 } })];
  });
}

/** Relative; float32's rounding is far below, a clip that matters above. */
const CLIP_TOLERANCE = 1e-3;

/** Clipping by global norm makes all gradients smaller by one factor; clipping value by value does not, and has no such threshold. */
export function clippedTo(before: readonly number[], after: readonly number[]): number | undefined {
  const [all, clipped] = [normOfNorms(before), normOfNorms(after)];
  const factor = clipped / all;
  if (!(factor < 1 - CLIP_TOLERANCE)) return undefined;
  const isOneFactor = before.every((norm, i) => Math.abs((after[i] as number) - factor * norm) <= CLIP_TOLERANCE * clipped);
  return isOneFactor ? clipped : undefined;
}
