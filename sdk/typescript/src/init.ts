// `init`: a run from options and environment. Returns at once; everything that waits happens later.

import { create } from "@bufbuild/protobuf";
import {
  type ConfigEntry,
  ConfigEntrySchema,
  OpenRunRequestSchema,
  type OpenRunRequest,
  ResumePolicy,
  RunEnvironmentSchema,
} from "@gradwatch/proto";
import { hostname } from "node:os";
import { disabledRun } from "./disabled-run.ts";
import { type Environment, processEnvironment } from "./environment.ts";
import { connectNetwork, type Network } from "./network.ts";
import { createMemoryOutbox } from "./outbox.ts";
import { createRun } from "./run.ts";
import { parseAddress, resolveSettings, type Settings } from "./settings.ts";
import type { InitOptions, Run } from "./types.ts";
import { createLedger, createWarnings } from "./warnings.ts";

const client = "gradwatch-sdk-ts/0.1.0";
const outboxBytesMax = 64 * 1024 * 1024;
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
  return initWith(options, processEnvironment, (settings) => connectNetwork(settings.target, settings.tls, settings.apiKey));
}

/** As {@link init}, in a world of the caller's choice. */
export function initWith(options: InitOptions, environment: Environment, connect: (settings: Settings) => Network): Run {
  const verbose = options.verbose ?? true;
  const warnings = createWarnings(verbose ? environment.writeLine : () => undefined);
  const settings = resolveSettings(options, process.env, () => hex(environment.randomBytes(6)), warnings);
  const url = `http://${settings.target.replace(/:\d+$/, `:${defaultPagePort}`)}/projects/${encodeURIComponent(settings.project)}/runs/${encodeURIComponent(settings.id)}`;
  if (settings.mode === "offline") {
    warnings.warn(
      "offline",
      'mode "offline" needs the disk spool, which this release lacks: nothing is logged. Use mode "online"; points wait in memory while the server is away.',
    );
  }
  if (settings.mode !== "online") return disabledRun(settings.project, settings.id, settings.mode === "offline" ? "offline" : undefined);
  const ledger = createLedger();
  let announced = false;
  const run = createRun(
    {
      environment,
      outbox: createMemoryOutbox(outboxBytesMax),
      request: openRequest(options, settings, environment),
      ledger,
      warnings,
      connect: (redirected) => connect(redirected === undefined ? settings : { ...settings, ...parseAddress(redirected, warnings) }),
      opened: (response) => {
        if (announced || !verbose) return;
        announced = true;
        environment.writeLine(`gradwatch: run ${settings.project}/${settings.id} at ${response.url}\n`);
      },
    },
    url,
  );
  return run;
}

function openRequest(options: InitOptions, settings: Settings, environment: Environment): OpenRunRequest {
  const resume = { allow: ResumePolicy.ALLOW, must: ResumePolicy.MUST, never: ResumePolicy.NEVER }[settings.resume];
  return create(OpenRunRequestSchema, {
    protocolMin: 1,
    protocolMax: 1,
    client,
    project: settings.project,
    runId: settings.id,
    producer: environment.randomBytes(16),
    resume,
    name: options.name ?? "",
    group: settings.group,
    jobType: options.jobType ?? "",
    tags: [...(options.tags ?? [])],
    notes: options.notes ?? "",
    config: configEntries(options.config ?? {}, "", 0),
    rank: settings.rank,
    worldSize: settings.worldSize,
    localRank: settings.localRank,
    environment: create(RunEnvironmentSchema, { host: hostname(), pid: process.pid, versions: { node: process.versions.node } }),
    ...(options.resumeStep === undefined ? {} : { resumeStep: BigInt(options.resumeStep) }),
    ...(options.forkFrom === undefined ? {} : { forkFrom: { runId: options.forkFrom.id, step: BigInt(options.forkFrom.step) } }),
  });
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
