// What the server is told about a run when it is opened. A wrong option is warned about once and left out; a name that no server
// would take is mended: a typo in a tag must not cost a run.

import { create } from "@bufbuild/protobuf";
import { integerMax, OpenRunRequestSchema, type OpenRunRequest, ResumePolicy } from "@gradwatch/proto";
import { describeMachine } from "./capture/machine.ts";
import { configEntries } from "./config-entries.ts";
import type { Environment } from "./environment.ts";
import { redactText } from "./redact.ts";
import type { Settings } from "./settings.ts";
import type { InitOptions } from "./types.ts";
import { nameProblem, usableName } from "./usable-name.ts";
import type { Warnings } from "./warnings.ts";

export const sdkVersion = "0.1.0";
const client = `gradwatch-sdk-ts/${sdkVersion}`;
const TAGS_MAX = 100;
/** UTF-16 units. */
const NOTES_LENGTH_MAX = 16_000;

export function openRequest(options: InitOptions, settings: Settings, environment: Environment, warnings: Warnings): OpenRunRequest {
  /** What cannot be read or is of the wrong kind is said, and left out. */
  const lenient = <Value>(option: keyof InitOptions, read: () => Value, fallback: Value): Value => {
    try {
      return read();
    } catch (error) {
      warnings.warn(option, `option ${option} cannot be used: ${error instanceof Error ? error.message : String(error)}. Left out.`);
      return fallback;
    }
  };
  const name = (option: "name" | "group" | "jobType" | "tags", given: string | undefined): string => {
    // Callers may write JavaScript: whatever it is, it is named by its text.
    const text = String(given ?? "");
    const problem = text === "" ? undefined : nameProblem(text);
    if (problem === undefined) return text;
    warnings.warn(option, `option ${option}: ${problem}. Shortened.`);
    return usableName(text);
  };
  const { resumeStep, forkFrom } = options;
  return create(OpenRunRequestSchema, {
    protocolMin: 1,
    protocolMax: 1,
    client,
    project: settings.project,
    runId: settings.id,
    producer: environment.randomBytes(16),
    resume: { allow: ResumePolicy.ALLOW, must: ResumePolicy.MUST, never: ResumePolicy.NEVER }[settings.resume],
    name: lenient("name", () => name("name", options.name), ""),
    group: name("group", settings.group),
    jobType: lenient("jobType", () => name("jobType", options.jobType), ""),
    tags: lenient("tags", () => tags(Array.from(options.tags ?? [], (tag) => name("tags", tag))), []),
    notes: lenient("notes", () => redactText(String(options.notes ?? "").slice(0, NOTES_LENGTH_MAX)).toWellFormed(), ""),
    config: lenient("config", () => configEntries(options.config, (message) => warnings.warn("config", message)), []),
    rank: settings.rank,
    worldSize: settings.worldSize,
    localRank: settings.localRank,
    runToken: settings.runToken,
    ...(settings.capture.environment ? { environment: describeMachine() } : {}),
    ...lenient("resumeStep", () => (resumeStep === undefined ? {} : { resumeStep: stepOf(resumeStep) }), {}),
    ...lenient(
      "forkFrom",
      () => (forkFrom === undefined ? {} : { forkFrom: { runId: String(forkFrom.id), step: stepOf(forkFrom.step) } }),
      {},
    ),
  });
}

const tags = (given: readonly string[]): string[] => [...new Set(given.filter((tag) => tag !== ""))].slice(0, TAGS_MAX);

function stepOf(step: number): bigint {
  if (Number.isInteger(step) && step >= 0 && step <= integerMax) return BigInt(step);
  throw new RangeError(`a step is ${String(step)}; it must be an integer from 0 to 2^50`);
}
