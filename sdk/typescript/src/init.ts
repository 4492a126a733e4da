// `init`: a run from options and environment. Returns at once; everything that waits happens later.

import { create } from "@bufbuild/protobuf";
import {
  type ConfigEntry,
  ConfigEntrySchema,
  integerMax,
  OpenRunRequestSchema,
  type OpenRunRequest,
  ResumePolicy,
  RunEnvironmentSchema,
} from "@gradwatch/proto";
import { hostname } from "node:os";
import { disabledRun } from "./disabled-run.ts";
import { type Environment, processEnvironment } from "./environment.ts";
import { keepBatches, oldestVersion } from "./keeping.ts";
import { connectNetwork, type Network } from "./network.ts";
import { createRun } from "./run.ts";
import { parseAddress, resolveSettings, type Settings } from "./settings.ts";
import { syncSpool } from "./spool/sync.ts";
import type { InitOptions, Run } from "./types.ts";
import { createLedger, createWarnings, type Warnings } from "./warnings.ts";

const client = "gradwatch-sdk-ts/0.1.0";
const defaultPagePort = 7070;

/**
 * Starts a run and returns at once. Never throws: a wrong option is warned about once and replaced by its default.
 *
 * @example
 * const run = init({ project: "mnist", config: { lr: 0.01 } });
 * run.log({ loss: 0.3 });
 * await run.finish();
 */
export function init(options: InitOptions = {}): Run {
  return initWith(readable(options), processEnvironment, (settings) => connectNetwork(settings.target, settings.tls, settings.apiKey));
}

/** Callers may write JavaScript: what cannot even be read counts as no options. */
function readable(options: InitOptions): InitOptions {
  try {
    return { ...options };
  } catch (error) {
    processEnvironment.writeLine(
      `gradwatch: the options of init() cannot be read: ${error instanceof Error ? error.message : "an error was thrown"}\n`,
    );
    return {};
  }
}

/** As {@link init}, in a world of the caller's choice. */
export function initWith(options: InitOptions, environment: Environment, connect: (settings: Settings) => Network): Run {
  const verbose = options.verbose ?? true;
  const warnings = createWarnings(verbose ? environment.writeLine : () => undefined);
  const settings = resolveSettings(options, process.env, () => hex(environment.randomBytes(6)), warnings);
  const url = `http://${settings.target.replace(/:\d+$/, `:${defaultPagePort}`)}/projects/${encodeURIComponent(settings.project)}/runs/${encodeURIComponent(settings.id)}`;
  if (settings.mode === "disabled") return disabledRun(settings.project, settings.id);
  if (settings.mode === "offline" && settings.spool === undefined) {
    warnings.warn(
      "offline",
      'mode "offline" keeps points in the spool, which is switched off: nothing is logged. Give option spool a folder.',
    );
    return disabledRun(settings.project, settings.id);
  }
  const request = openRequest(options, settings, environment, warnings);
  const ledger = createLedger();
  let announced = false;
  const announce = (line: string): void => {
    if (!announced && verbose) environment.writeLine(`gradwatch: run ${settings.project}/${settings.id} ${line}\n`);
    announced = true;
  };
  const run = createRun(
    {
      environment,
      keep: (firstVersion) => keepBatches({ settings, request, ledger, warnings, nowMs: environment.nowMs, firstVersion }),
      request,
      ledger,
      warnings,
      connects: settings.mode === "online",
      connect: (redirected) => connect(redirected === undefined ? settings : { ...settings, ...parseAddress(redirected, warnings) }),
      opened(response) {
        announce(`at ${response.url}`);
        sendLeftovers(settings, environment, connect);
      },
    },
    url,
  );
  if (settings.mode === "offline") announce(`waits in ${settings.spool}; send it with gradwatch-sync`);
  return run;
}

/** What earlier processes on this machine left for the same server. Quietly: whoever minds runs gradwatch-sync. */
function sendLeftovers(settings: Settings, environment: Environment, connect: (settings: Settings) => Network): void {
  if (settings.spool === undefined) return;
  const forSameServer = (owner: { readonly target: string; readonly tls: boolean }): Network | undefined =>
    owner.target === settings.target && owner.tls === settings.tls ? connect(settings) : undefined;
  syncSpool({
    root: settings.spool,
    environment,
    connect: forSameServer,
    oldestVersion: oldestVersion(environment.nowMs(), settings.spoolDaysMax),
    progress: () => undefined,
    say: () => undefined,
  }).catch(() => undefined);
}

function openRequest(options: InitOptions, settings: Settings, environment: Environment, warnings: Warnings): OpenRunRequest {
  /** What cannot be read or is of the wrong kind is said, and left out. */
  const lenient = <Value>(option: keyof InitOptions, read: () => Value, fallback: Value): Value => {
    try {
      return read();
    } catch (error) {
      warnings.warn(option, `option ${option} cannot be used: ${error instanceof Error ? error.message : String(error)}. Left out.`);
      return fallback;
    }
  };
  const text = (option: "name" | "jobType" | "notes"): string => lenient(option, () => String(options[option] ?? ""), "");
  const { resumeStep, forkFrom } = options;
  return create(OpenRunRequestSchema, {
    protocolMin: 1,
    protocolMax: 1,
    client,
    project: settings.project,
    runId: settings.id,
    producer: environment.randomBytes(16),
    resume: { allow: ResumePolicy.ALLOW, must: ResumePolicy.MUST, never: ResumePolicy.NEVER }[settings.resume],
    name: text("name"),
    group: settings.group,
    jobType: text("jobType"),
    tags: lenient("tags", () => Array.from(options.tags ?? [], String), []),
    notes: text("notes"),
    config: lenient("config", () => configEntries(options.config ?? {}, "", 0), []),
    rank: settings.rank,
    worldSize: settings.worldSize,
    localRank: settings.localRank,
    environment: create(RunEnvironmentSchema, { host: hostname(), pid: process.pid, versions: { node: process.versions.node } }),
    ...lenient("resumeStep", () => (resumeStep === undefined ? {} : { resumeStep: stepOf(resumeStep) }), {}),
    ...lenient(
      "forkFrom",
      () => (forkFrom === undefined ? {} : { forkFrom: { runId: String(forkFrom.id), step: stepOf(forkFrom.step) } }),
      {},
    ),
  });
}

function stepOf(step: number): bigint {
  if (Number.isInteger(step) && step >= 0 && step <= integerMax) return BigInt(step);
  throw new RangeError(`a step is ${String(step)}; it must be an integer from 0 to 2^50`);
}

/** Deeper nesting than this is kept as JSON text. */
const configDepthMax = 8;

function configEntries(config: Readonly<Record<string, unknown>>, prefix: string, depth: number): ConfigEntry[] {
  return Object.entries(config).flatMap(([key, value]): ConfigEntry[] => {
    const name = prefix + key;
    const entry = (one: ConfigEntry["value"]): ConfigEntry[] => [create(ConfigEntrySchema, { key: name, value: one })];
    switch (typeof value) {
      case "number":
        return entry({ case: "number", value });
      case "bigint":
        return entry({ case: "text", value: value.toString() });
      case "string":
        return entry({ case: "text", value });
      case "boolean":
        return entry({ case: "flag", value });
      case "object":
        if (value !== null && !Array.isArray(value) && depth < configDepthMax) {
          return configEntries(value as Record<string, unknown>, `${name}.`, depth + 1);
        }
        return entry({ case: "json", value: jsonOf(value) });
      default:
        return [];
    }
  });
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner)) ?? "null";
  } catch {
    return "null";
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
