// What users of the SDK see: the run and its options. Nothing here throws into training or waits for the network;
// wrong calls are reported once, counted, and otherwise ignored.

/** A scalar, or nested records of them: `{ train: { loss: 0.3 } }` logs "train.loss". */
export type LogRecord = { readonly [name: string]: number | bigint | boolean | LogRecord };

export type Mode = "online" | "offline" | "disabled";

export interface InitOptions {
  /** Default: GRADWATCH_PROJECT, else "default". */
  readonly project?: string;
  /** Display name; need not be unique. */
  readonly name?: string;
  /** Unique in the project. Default: GRADWATCH_RUN_ID, a scheduler's job id, else random. */
  readonly id?: string;
  readonly group?: string;
  readonly jobType?: string;
  readonly tags?: readonly string[];
  readonly notes?: string;
  /** Hyper-parameters; nested objects are flattened with ".". */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly mode?: Mode;
  readonly resume?: "allow" | "must" | "never";
  /** With `resume`: what was logged at steps >= this is kept as abandoned and hidden. */
  readonly resumeStep?: number;
  readonly forkFrom?: { readonly id: string; readonly step: number };
  /** Server, as host:port of its gRPC listener or http(s) URL of it. Default: GRADWATCH_URL, else 127.0.0.1:7071. */
  readonly url?: string;
  readonly apiKey?: string;
  /** Of a run that another key has opened: `run.runToken` there. Default: GRADWATCH_RUN_TOKEN. */
  readonly runToken?: string;
  /**
   * Folder in which batches wait until the server has them. Default: GRADWATCH_SPOOL ("off": none), else the user's folder
   * for state. `false`: in memory only.
   */
  readonly spool?: string | false;
  /** Of one run. When it is full, images make way first, then console lines, then tensor summaries; scalars are refused last. Default: GRADWATCH_SPOOL_BYTES, else 1 GiB. */
  readonly spoolBytesMax?: number;
  /** What has waited longer is given up. Default: GRADWATCH_SPOOL_DAYS, else 30. */
  readonly spoolDaysMax?: number;
  readonly rank?: number;
  readonly worldSize?: number;
  /**
   * What is captured without being logged: command line and machine ("environment"), commit and dirtiness ("git"), use of
   * processor, memory and GPU over time ("usage"), lines on stdout and stderr ("console"). Secret-looking values are taken out.
   * Default: GRADWATCH_CAPTURE ("off", or the kinds that are wanted), else all.
   */
  readonly capture?: boolean | { readonly [kind in "environment" | "git" | "usage" | "console"]?: boolean };
  /** Prints the run's URL and warnings on stderr. Default true. */
  readonly verbose?: boolean;
}

export interface LogOptions {
  /** Default: one more than the last step logged; for tensor summaries, the last step logged. */
  readonly step?: number;
  /** The user's name for the data of this step. */
  readonly batch?: string;
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

export type TensorRole = "kernel" | "bias" | "normalization" | "embedding" | "recurrent-kernel";

/** What stays the same about a tensor while it is logged. */
export interface TensorMeta {
  readonly kind?: TensorKind;
  readonly layer?: string;
  readonly topologicalIndex?: number;
  readonly dtype?: string;
  readonly shape?: readonly number[];
  readonly activation?: string;
  readonly phase?: "train" | "evaluation";
  readonly placement?: "replicated" | "sharded";
  readonly role?: TensorRole;
}

export interface LogTensorOptions extends TensorMeta {
  readonly step?: number;
  /** Examples of the batch that the values come from. */
  readonly samples?: number;
}

/** Bucket counts of one sign: bucket i counts |x| in (base^(offset + i), base^(offset + i + 1)], base = 2^(2^-scale). */
export interface BucketCounts {
  readonly offset: number;
  readonly counts: ArrayLike<number>;
}

export interface Histogram {
  readonly scale: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positive: BucketCounts;
  readonly negative: BucketCounts;
}

/** A tensor's summary: counts of elements, moments over the finite ones. Field meanings: proto `TensorSummary`. */
export interface TensorSummaryValues {
  readonly count: number;
  readonly nan: number;
  readonly positiveInfinity: number;
  readonly negativeInfinity: number;
  readonly zero: number;
  readonly negative: number;
  readonly positive: number;
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
  /** Equal means the same values: FNV-1a 64, for instance. */
  readonly hash?: bigint;
  readonly histogram?: Histogram;
  readonly unitMeans?: Float32Array;
  readonly unitStds?: Float32Array;
}

/** A summary made elsewhere (on an accelerator, say), with the tensor's identity. */
export interface SummarizedTensor extends TensorMeta {
  readonly name: string;
  readonly summary: TensorSummaryValues;
}

/** One optimiser step, as proto `StepRecord`: stored as the series "step/loss", "step/learning_rate", … */
export interface StepRecordValues {
  readonly step: number;
  readonly loss?: number;
  readonly learningRate?: readonly number[];
  readonly gradientNorm?: number;
  readonly clipThreshold?: number;
  readonly lossScale?: number;
  readonly skipped?: boolean;
  readonly batchSize?: number;
  readonly batchId?: string;
  readonly stepTimeMs?: number;
  readonly dataWaitMs?: number;
  readonly updateSurpriseRms?: number;
  readonly phase?: "train" | "evaluation" | "checkpoint" | "compile";
}

/** A classifier's counts over the samples seen since the last record of the same phase, as proto `ClassRecord`. By class; at most 64 classes. */
export interface ClassRecordValues {
  /** Default "train". */
  readonly phase?: "train" | "evaluation";
  readonly labelCounts: readonly number[];
  readonly predictionCounts?: readonly number[];
  /** Rows are labels, columns predictions. */
  readonly confusion?: readonly (readonly number[])[];
  /** Share of wrong predictions by label, in [0, 1]. Default: what `confusion` says. */
  readonly classError?: readonly number[];
}

/** The server asks for every step in full, for a while: something happened, or somebody looks. */
export interface FlightRecorderRequest {
  readonly steps: number;
  readonly gradients: boolean;
  readonly weights: boolean;
  readonly updates: boolean;
  readonly activations: boolean;
  readonly inputs: boolean;
  readonly reason: string;
}

export type LossKind =
  | "cross-entropy"
  | "binary-cross-entropy"
  | "mean-squared-error"
  | "mean-absolute-error"
  | "hinge"
  | "kl-divergence"
  | "other";

export interface LayerFacts {
  readonly name: string;
  readonly type?: string;
  readonly activation?: string;
  readonly fanIn?: number;
  readonly fanOut?: number;
  readonly parameters?: number;
  readonly trainable?: boolean;
  readonly topologicalIndex?: number;
}

/** What is known about task, data and network; rules compare with it. Proto `RunFacts`. */
export interface RunFacts {
  readonly plannedSteps?: number;
  readonly lossKind?: LossKind;
  readonly classes?: number;
  readonly parameters?: number;
  readonly depth?: number;
  readonly layers?: readonly LayerFacts[];
  readonly trainSamples?: number;
  readonly validationSamples?: number;
  readonly labelCounts?: readonly number[];
  readonly augmentation?: readonly string[];
  readonly pretrainedFrom?: string;
  readonly grownFrom?: string;
  readonly sanityRun?: boolean;
  readonly optimizer?: string;
  readonly targetStd?: number;
}

export type MetricRole =
  | "loss"
  | "validation-loss"
  | "metric"
  | "validation-metric"
  | "learning-rate"
  | "gradient-norm"
  | "ignored"
  | "attention-logit"
  | "log-z";

export interface MetricOptions {
  readonly role?: MetricRole;
  readonly goal?: "minimize" | "maximize";
  readonly stepMetric?: string;
  readonly summary?: readonly ("last" | "min" | "max" | "mean" | "first")[];
}

export type AlertLevel = "info" | "warn" | "high" | "critical";

/** A finding about this run, pushed by the server while it trains. */
export interface Alert {
  readonly incident: string;
  readonly rule: string;
  readonly state: "pending" | "firing" | "resolved";
  readonly level: AlertLevel;
  readonly title: string;
  readonly message: string;
  readonly advice: readonly string[];
  readonly subject: string;
  readonly rank?: number;
  readonly onsetStep?: number;
  readonly firingStep?: number;
  readonly statistic?: number;
  readonly threshold?: number;
  readonly lastCheckpoint?: { readonly step: number; readonly path: string };
  readonly url: string;
}

/** Values row by row, channels last: `data.length` = width × height × channels (1 grey, 2 grey + alpha, 3 RGB, 4 RGBA). Bytes are drawn as they are, other numbers from their smallest (black) to their largest (white). */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray | ArrayLike<number>;
  readonly width: number;
  readonly height: number;
}

/** An encoded PNG, JPEG or WebP, or pixels. */
export type ImageInput = Uint8Array | Pixels;

export interface LogImageOptions {
  /** Default: the last step logged. */
  readonly step?: number;
  readonly caption?: string;
}

/** The user's own condition. */
export interface UserAlert {
  readonly title: string;
  readonly text?: string;
  /** Default "warn". */
  readonly level?: AlertLevel;
  /** The same title is not repeated sooner. Default 60 000. */
  readonly waitDurationMs?: number;
}

export type Outcome = "finished" | "failed" | "killed" | "preempted";

export interface FinishOptions {
  /** Default 30 000. */
  readonly timeoutMs?: number;
  /** How it ended, where the exit code does not tell. */
  readonly outcome?: Outcome;
}

/** What became of everything that was logged. `logged` = `acknowledged` + `rejected` + `dropped` + `pending`, in points. */
export interface FinishReport {
  readonly logged: number;
  readonly acknowledged: number;
  readonly rejected: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly pending: number;
  /** Of those pending, the ones on disk: a later run on this machine sends them, or `gradwatch-sync`. */
  readonly spooled: number;
}

export interface Run {
  readonly project: string;
  readonly id: string;
  /** Where people see it; a guess from the address until the server has answered. */
  readonly url: string;
  /** With it, processes with another key may write to this run. Empty until the server has answered. */
  readonly runToken: string;
  /** Logs scalars of one step. Never throws, never waits. */
  log(record: LogRecord, options?: LogOptions): void;
  /** Summarises any typed array and logs the summary. */
  logTensor(name: string, values: ArrayLike<number>, options?: LogTensorOptions): void;
  /** Logs summaries made elsewhere, all of one step. */
  logSummaries(summaries: readonly SummarizedTensor[], options?: LogOptions): void;
  logStep(record: StepRecordValues): void;
  /** Logs a classifier's counts: labels, predictions, confusion. */
  logClasses(record: ClassRecordValues, options?: LogOptions): void;
  describe(facts: RunFacts): void;
  defineMetric(pattern: string, options: MetricOptions): void;
  logImage(name: string, image: ImageInput, options?: LogImageOptions): void;
  /** Hyper-parameters: reads as given and set; what is set is recorded. */
  readonly config: Record<string, unknown>;
  /** Results for the table of runs, in place of a metric's last value: `run.summary["best/acc"] = 0.93`. */
  readonly summary: Record<string, number | string>;
  /** Raises an alert of the user's own. */
  alert(alert: UserAlert): void;
  checkpoint(checkpoint: { readonly step: number; readonly path: string }): void;
  /** Calls back for every incident of this run; returns a function that stops it. */
  onAlert(listener: (alert: Alert) => void): () => void;
  /** Calls back when the server asks for more than is logged; without a listener it is told that nothing here can. Returns a function that stops it. */
  onFlightRecorder(listener: (request: FlightRecorderRequest) => void): () => void;
  /** True once a person or a policy asked to stop. */
  shouldStop(): boolean;
  /** Sends what is left, ends the run and tells what became of every point. Waits at most `timeoutMs`. */
  finish(exitCode?: number, options?: FinishOptions): Promise<FinishReport>;
}
