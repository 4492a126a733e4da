// What detection is fed with: the numbers of one rank of one run, as columns. Plain data, so that the same rules run
// in the server, over a stored run, over somebody else's logs, and in tests. Nothing here decodes or stores anything.

/** What a metric means to rules. "none": no rule knows it; "ignored": its owner wants no rule to look at it. */
export type MetricRole =
  | "loss"
  | "validation-loss"
  | "metric"
  | "validation-metric"
  | "learning-rate"
  | "gradient-norm"
  | "attention-logit"
  | "log-z"
  | "ignored"
  | "none";

/** The points of one metric, in the order in which they were logged. The three arrays have the same length. */
export interface ScalarColumn {
  readonly metric: string;
  readonly role: MetricRole;
  readonly steps: Float64Array;
  /** Unix ms. */
  readonly times: Float64Array;
  /** NaN and Inf are data. */
  readonly values: Float64Array;
}

export type TensorKind =
  | "weight"
  | "gradient"
  | "update"
  | "activation"
  | "pre-activation"
  | "input"
  | "output"
  | "label"
  | "custom"
  | "state-gradient";

/** One tensor summary with the tensor's identity. Moments are over the finite values; min and max need one. */
export interface TensorObservation {
  readonly name: string;
  readonly kind: TensorKind;
  readonly layer: string;
  /** Position of the layer from the input side. */
  readonly topologicalIndex: number;
  readonly role: "kernel" | "bias" | "normalization" | "embedding" | "recurrent-kernel" | "none";
  readonly phase: "train" | "evaluation" | "none";
  readonly activation: string;
  readonly step: number;
  /** Unix ms. */
  readonly time: number;

  readonly count: number;
  readonly nan: number;
  readonly positiveInfinity: number;
  readonly negativeInfinity: number;
  readonly zero: number;
  readonly min?: number;
  readonly max?: number;
  readonly sum: number;
  readonly sumSquares: number;
  readonly sumAbsolute: number;

  readonly samples?: number;
  readonly units?: number;
  readonly unitsActiveBelow2Permille?: number;
  readonly unitsActiveBelow1Percent?: number;
  readonly unitsZeroSpread?: number;
  readonly derivativeBelow5Percent?: number;
  readonly updateSurpriseRms?: number;
  /** By unit (inputs by channel, state gradients by time step), only where sent; NaN where the unit had no finite value. */
  readonly unitMeans?: readonly number[];
  readonly unitStds?: readonly number[];
}

/** What a step record says beside its numbers, which come as the scalar series "step/…". One per step record. */
export interface StepObservation {
  readonly step: number;
  /** The optimiser did not apply this step (loss-scale overflow). */
  readonly skipped?: boolean;
  /** The user's name for the data of this step. */
  readonly batchId?: string;
}

/** A classifier's counts over the samples seen since the record before of the same phase. By class; lists may be empty. */
export interface ClassObservation {
  readonly step: number;
  /** Unix ms. */
  readonly time: number;
  readonly phase: TensorObservation["phase"];
  readonly labelCounts: readonly number[];
  readonly predictionCounts: readonly number[];
  /** Row by row: label × prediction. */
  readonly confusion: readonly number[];
  /** Share of wrong predictions by label; NaN where the class had no sample. */
  readonly classError: readonly number[];
}

export type LossKind =
  | "cross-entropy"
  | "binary-cross-entropy"
  | "mean-squared-error"
  | "mean-absolute-error"
  | "hinge"
  | "kl-divergence"
  | "other";

/** The facts that rules compare with; a later value replaces an earlier one, an absent one says nothing. */
export interface RunFacts {
  readonly plannedSteps?: number;
  readonly lossKind?: LossKind;
  readonly classes?: number;
  readonly depth?: number;
  readonly trainSamples?: number;
  readonly validationSamples?: number;
  readonly sanityRun?: boolean;
  readonly optimizer?: string;
  readonly targetStd?: number;
}

export interface Checkpoint {
  readonly step: number;
  readonly path: string;
}

/** What one rank logged in one session, or a part of it. Where a stream is cut into batches changes no finding. */
export interface ObservationBatch {
  readonly rank: number;
  /** Ordinal of the rank's session: a larger one than before means that the run was resumed and steps may repeat. */
  readonly session: number;
  readonly scalars: readonly ScalarColumn[];
  readonly tensors: readonly TensorObservation[];
  readonly steps: readonly StepObservation[];
  readonly classes: readonly ClassObservation[];
  readonly facts?: RunFacts;
  readonly checkpoints: readonly Checkpoint[];
}
