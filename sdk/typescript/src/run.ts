// The run as users hold it. Every method checks its arguments, reports what is wrong once a kind, and never throws.

import { create } from "@bufbuild/protobuf";
import { AlertLevel, CheckpointSchema, ImageSchema, integerMax, RunOutcome, SummaryEntrySchema, UserAlertSchema } from "@gradwatch/proto";
import type { CaptureSettings } from "./capture/capture-settings.ts";
import { startCapture } from "./capture/start-capture.ts";
import { configEntries } from "./config-entries.ts";
import { flatten, toNumber } from "./flatten.ts";
import { type Ending, endingOf, outcomes } from "./ending.ts";
import { encodeImage } from "./image.ts";
import { liveRecord } from "./live-record.ts";
import { redactText, redactValue } from "./redact.ts";
import { createRunSession, type RunSessionOptions } from "./run-session.ts";
import { summarize } from "./summarize.ts";
import type { FinishReport, ImageInput, LogImageOptions, LogOptions, LogRecord, Run, SummarizedTensor, UserAlert } from "./types.ts";
import { nameProblem } from "./usable-name.ts";
import { classRecord, metricDefinition, runFacts, stepRecord, stepRecordPoints } from "./wire-tensor.ts";

const finishTimeoutMs = 30_000;
const NO_OPTIONS: LogOptions = {};
const alertWaitMsDefault = 60_000;
/** UTF-16 units. */
const captionLengthMax = 500;
const alertTextLengthMax = 10_000;

export interface RunOptions extends Omit<RunSessionOptions, "stepFloor"> {
  /** As the user gave it. */
  readonly config: unknown;
  readonly capture: CaptureSettings;
}

export function createRun(options: RunOptions, guessedUrl: string): Run {
  const { environment, ledger, warnings, request } = options;
  let url = guessedUrl;
  let runToken = "";
  let nextStep = 0;
  let finishing: Promise<FinishReport> | undefined;
  const session = createRunSession({
    ...options,
    opened(response) {
      url = response.url;
      runToken = response.runToken;
      options.opened(response);
    },
    stepFloor: (step) => (nextStep = Math.max(nextStep, step + 1)),
  });

  const capture = startCapture({ capture: options.capture, environment, session, isFirstOnMachine: request.localRank === 0 });
  const forgetEnd = environment.atEnd((end) => {
    capture.stop();
    session.flush(endingOf(end));
  });

  const refuse = (reason: string, points: number, message: string): void => {
    ledger.logged += points;
    ledger.drop(reason, points);
    warnings.warn(reason, message);
  };

  /** The step to log at; undefined when the given one cannot be. Advances the automatic step. */
  function stepOf(given: unknown): number | undefined {
    if (given === undefined) return nextStep;
    const step = typeof given === "bigint" ? Number(given) : given;
    if (typeof step !== "number" || !Number.isInteger(step) || step < 0 || step > integerMax) return undefined;
    return step;
  }

  const noteStep = (step: number): void => {
    if (step >= nextStep) nextStep = step + 1;
    session.noteStep(step);
  };

  const wrongStep = (points: number, step: unknown): void =>
    refuse(
      "wrong step",
      points,
      `step is ${String(step)}; it must be an integer from 0 to 2^50. The values of such steps are dropped and counted.`,
    );

  const isBadName = (name: string): boolean => {
    const problem = nameProblem(name, session.nameBytesMax());
    if (problem === undefined) return false;
    refuse("wrong name", 1, `name ${problem}`);
    return true;
  };

  // Reused by every call of log(): the columns copy what they keep.
  const names: string[] = [];
  const values: number[] = [];

  function plainNumbers(record: LogRecord): number {
    let count = 0;
    for (const name in record) {
      const value = record[name];
      if (typeof value !== "number") return -1;
      if (checked.has(name)) {
        names[count] = name;
        values[count++] = value;
      } else return -1;
    }
    return count;
  }

  /** Names that were found good; bounded, so that a million names in one call stay harmless. */
  const checked = new Set<string>();

  const isOneTooMany = (name: string): boolean => {
    const max = session.namesMax();
    if (checked.size < max) return false;
    refuse(
      "too many names",
      1,
      `${JSON.stringify(name.slice(0, 40))} would be name number ${max + 1}; a run has at most ${max} metrics (limits.runNamesMax). Put what varies into steps, not into names.`,
    );
    return true;
  };

  function log(record: LogRecord, chosen: LogOptions): void {
    const { step: given, batch } = chosen;
    const step = stepOf(given);
    let count = step === undefined ? -1 : plainNumbers(record);
    if (count < 0) {
      const flat = flatten(record);
      for (const message of flat.refused) refuse("wrong value", 1, `${message}. Such values are dropped and counted.`);
      if (step === undefined) {
        wrongStep(flat.names.length, given);
        return;
      }
      count = 0;
      flat.names.forEach((name, i) => {
        if (!checked.has(name)) {
          if (isBadName(name) || isOneTooMany(name)) return;
          checked.add(name);
        }
        names[count] = name;
        values[count++] = flat.values[i] as number;
      });
    }
    const at = step as number;
    const time = environment.nowMs();
    ledger.logged += count;
    noteStep(at);
    session.batcher.scalars(names, values, count, at, time);
    if (batch !== undefined) {
      session.batcher.step(stepRecord({ step: at, batchId: String(batch) }, time));
    }
    session.added();
  }

  /** Without a step they belong to the last one logged: summaries go with scalars and do not count steps. */
  function logSummaries(summaries: readonly SummarizedTensor[], given: unknown): void {
    if (!Array.isArray(summaries)) throw new TypeError("it takes an array of summaries");
    const step = given === undefined ? Math.max(0, nextStep - 1) : stepOf(given);
    if (step === undefined) {
      wrongStep(summaries.length, given);
      return;
    }
    const good = summaries.filter(({ name }) => !isBadName(name));
    if (good.length === 0) return;
    session.batcher.summaries(good, step, environment.nowMs());
    ledger.logged += good.length;
    if (given !== undefined) noteStep(step);
    session.added();
  }

  function logImage(name: string, input: ImageInput, { step: given, caption }: LogImageOptions): void {
    const step = given === undefined ? Math.max(0, nextStep - 1) : stepOf(given);
    if (step === undefined) {
      wrongStep(1, given);
      return;
    }
    if (isBadName(name)) return;
    const image = encodeImage(input);
    if (image.data.length > session.imageBytesMax()) {
      refuse(
        "image too large",
        1,
        `image ${name} is ${image.data.length} bytes; the limit is ${session.imageBytesMax()}. Make it smaller.`,
      );
      return;
    }
    const text = redactText(String(caption ?? "").slice(0, captionLengthMax)).toWellFormed();
    session.image(create(ImageSchema, { ...image, name, step: BigInt(step), timeMs: BigInt(environment.nowMs()), caption: text }));
    if (given !== undefined) noteStep(step);
  }

  const raisedAtMs = new Map<string, number>();

  function raise({ title: given, text, level = "warn", waitDurationMs = alertWaitMsDefault }: UserAlert): void {
    const title = String(given).slice(0, captionLengthMax).toWellFormed();
    const now = environment.nowMs();
    if (now - (raisedAtMs.get(title) ?? Number.NEGATIVE_INFINITY) < waitDurationMs) return;
    raisedAtMs.set(title, now);
    const wireLevel = alertLevels[level];
    if (wireLevel === undefined) throw new RangeError(`level is ${String(level)}; it is one of ${Object.keys(alertLevels).join(", ")}`);
    const value = create(UserAlertSchema, {
      title,
      text: redactText(String(text ?? "").slice(0, alertTextLengthMax)).toWellFormed(),
      level: wireLevel,
      waitDurationMs: BigInt(Math.max(0, Math.floor(waitDurationMs))),
    });
    session.event({ case: "userAlert", value });
  }

  const setConfig = (name: string, value: unknown): void =>
    guarded("config", () => {
      const wrong = (message: string): void => refuse("wrong config", 1, message);
      for (const entry of configEntries({ [name]: value }, wrong)) session.event({ case: "config", value: entry });
    });

  const setSummary = (name: string, value: unknown): void =>
    guarded("summary", () => {
      if (isBadName(name)) return;
      const number = toNumber(value);
      if (number !== undefined)
        session.event({ case: "summary", value: create(SummaryEntrySchema, { key: name, value: { case: "number", value: number } }) });
      else if (typeof value === "string") {
        const shown = redactValue(name, value.slice(0, alertTextLengthMax)).toWellFormed();
        session.event({ case: "summary", value: create(SummaryEntrySchema, { key: name, value: { case: "text", value: shown } }) });
      } else refuse("wrong value", 1, `summary ${JSON.stringify(name)} is a ${typeof value}; it takes numbers and texts`);
    });

  const config = liveRecord(readableRecord(options.config), setConfig);
  const summary = liveRecord<number | string>({}, setSummary);

  async function end(ending: Ending, timeoutMs: number): Promise<FinishReport> {
    await capture.told();
    capture.stop();
    forgetEnd();
    return await session.finish(ending, timeoutMs);
  }

  /** Nothing that a user passes may throw into training. */
  const guarded = (what: string, work: () => void): void => {
    if (isOver(what)) return;
    try {
      work();
    } catch (error) {
      wrongCall(what, error);
    }
  };

  const isOver = (what: string): boolean => {
    if (finishing === undefined) return false;
    refuse("after finish", 1, `${what} was called after finish(); its data is dropped and counted`);
    return true;
  };

  const wrongCall = (what: string, error: unknown): void =>
    refuse("wrong call", 1, `${what} failed: ${error instanceof Error ? error.message : String(error)}. Its data is dropped and counted.`);

  return {
    project: request.project,
    id: request.runId,
    get runToken() {
      return runToken;
    },
    get url() {
      return url;
    },
    // As `guarded`, without making a function for every call.
    log(record, given = NO_OPTIONS) {
      if (isOver("log()")) return;
      try {
        log(record, given);
      } catch (error) {
        wrongCall("log()", error);
      }
    },
    logTensor: (name, tensor, given = {}) =>
      guarded("logTensor()", () => {
        const { step, samples, ...meta } = given;
        const summary = summarize(numbersOf(tensor));
        logSummaries([{ ...meta, name: String(name), summary: samples === undefined ? summary : { ...summary, samples } }], step);
      }),
    logSummaries: (summaries, given = {}) => guarded("logSummaries()", () => logSummaries(summaries, given.step)),
    logStep: (record) =>
      guarded("logStep()", () => {
        if (stepOf(record.step) === undefined || record.step === undefined) {
          wrongStep(1, record.step);
          return;
        }
        const converted = stepRecord(record, environment.nowMs());
        ledger.logged += stepRecordPoints(converted);
        noteStep(record.step);
        session.batcher.step(converted);
        session.added();
      }),
    logClasses: (record, given = {}) =>
      guarded("logClasses()", () => {
        const step = given.step === undefined ? Math.max(0, nextStep - 1) : stepOf(given.step);
        if (step === undefined) {
          wrongStep(1, given.step);
          return;
        }
        session.batcher.classes(classRecord(record, step, environment.nowMs()));
        ledger.logged += 1;
        if (given.step !== undefined) noteStep(step);
        session.added();
      }),
    describe: (facts) => guarded("describe()", () => session.event({ case: "facts", value: runFacts(facts) })),
    defineMetric: (pattern, given) =>
      guarded("defineMetric()", () => session.event({ case: "metricDefinition", value: metricDefinition(String(pattern), given) })),
    logImage: (name, image, given = {}) => guarded("logImage()", () => logImage(String(name), image, given)),
    config,
    summary,
    alert: (given) => guarded("alert()", () => raise(given)),
    checkpoint: (made) =>
      guarded("checkpoint()", () => {
        const { step, path } = made;
        const value = create(CheckpointSchema, { step: BigInt(step), path: String(path) });
        session.event({ case: "checkpoint", value });
      }),
    onAlert: (listener) => session.onAlert(listener),
    onFlightRecorder: (listener) =>
      session.onFlightRecorder(({ steps, gradients, weights, updates, activations, inputs, reason }) =>
        listener({ steps, gradients, weights, updates, activations, inputs, reason }),
      ),
    shouldStop: () => session.shouldStop(),
    finish(exitCode = 0, given = {}) {
      const timeoutMs = given?.timeoutMs ?? finishTimeoutMs;
      const outcome = given?.outcome === undefined ? undefined : outcomes[given.outcome];
      finishing ??= end({ outcome: outcome ?? (exitCode === 0 ? RunOutcome.FINISHED : RunOutcome.FAILED), exitCode }, timeoutMs);
      return finishing;
    },
  };
}

const alertLevels: Readonly<Record<string, AlertLevel>> = {
  info: AlertLevel.INFO,
  warn: AlertLevel.WARN,
  high: AlertLevel.HIGH,
  critical: AlertLevel.CRITICAL,
};

/** What can be read of a given configuration. */
function readableRecord(given: unknown): Record<string, unknown> {
  try {
    return typeof given === "object" && given !== null ? { ...given } : {};
  } catch {
    return {};
  }
}

/** BigInt arrays as numbers; everything else as it is. */
const numbersOf = (values: ArrayLike<number> | ArrayLike<bigint>): ArrayLike<number> =>
  typeof values[0] === "bigint" ? Float64Array.from(values as ArrayLike<bigint>, Number) : (values as ArrayLike<number>);
