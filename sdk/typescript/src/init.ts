// `init`: a run from options and environment. Returns at once; everything that waits happens later.

import { isLoopback } from "@gradwatch/proto";
import { disabledRun } from "./disabled-run.ts";
import { type Environment, processEnvironment } from "./environment.ts";
import { keepBatches, oldestVersion } from "./keeping.ts";
import { connectNetwork, type Network } from "./network.ts";
import { openRequest } from "./open-request.ts";
import { createRun } from "./run.ts";
import { parseAddress, resolveSettings, type Settings } from "./settings.ts";
import { syncSpool } from "./spool/sync.ts";
import type { InitOptions, Run } from "./types.ts";
import { createLedger, createWarnings } from "./warnings.ts";

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
  return initWith(readable(options), processEnvironment, (settings) => connectNetwork(settings.target, settings.tls, settings.credentials));
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
  const settings = resolveSettings(options, process.env, { random: () => hex(environment.randomBytes(6)), shared: sharedId }, warnings);
  const url = `${settings.tls ? "https" : "http"}://${settings.target.replace(/:\d+$/, `:${defaultPagePort}`)}/projects/${encodeURIComponent(settings.project)}/runs/${encodeURIComponent(settings.id)}`;
  if (settings.mode === "disabled") return disabledRun(settings.project, settings.id);
  if (settings.mode === "offline" && settings.spool === undefined) {
    warnings.warn(
      "offline",
      'mode "offline" keeps points in the spool, which is switched off: nothing is logged. Give option spool a folder.',
    );
    return disabledRun(settings.project, settings.id);
  }
  if (!settings.tls && !isLoopback(hostOf(settings.target)) && settings.credentials.keyFor(settings.target) !== undefined) {
    warnings.warn(
      "tls",
      `the API key goes to ${settings.target} without TLS: whoever is on the way can read it. Use https://${settings.target}.`,
    );
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
      keep: (versions) => keepBatches({ settings, request, ledger, warnings, environment, versions }),
      request,
      ledger,
      warnings,
      connects: settings.mode === "online",
      config: options.config,
      capture: settings.capture,
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

/** Runs that this process began under an id of its launcher. */
const shared = new Map<string, number>();

/** Spools whose leftovers are on their way: every reconnection would begin anew. */
const sending = new WeakMap<Environment, Set<string>>();

function sharedId(project: string, id: string): string {
  const key = JSON.stringify([project, id]);
  const ordinal = (shared.get(key) ?? 0) + 1;
  shared.set(key, ordinal);
  return ordinal === 1 ? id : `${id}-${ordinal}`;
}

/** What earlier processes on this machine left for the same server. Quietly: whoever minds runs gradwatch-sync. */
function sendLeftovers(settings: Settings, environment: Environment, connect: (settings: Settings) => Network): void {
  const isSending = sending.get(environment) ?? new Set();
  sending.set(environment, isSending);
  if (settings.spool === undefined || isSending.has(settings.spool)) return;
  isSending.add(settings.spool);
  const forSameServer = (owner: { readonly target: string; readonly tls: boolean }): Network | undefined =>
    owner.target === settings.target && owner.tls === settings.tls ? connect(settings) : undefined;
  const root = settings.spool;
  syncSpool({
    root,
    environment,
    connect: forSameServer,
    oldestVersion: oldestVersion(environment.nowMs(), settings.spoolDaysMax),
    progress: () => undefined,
    say: () => undefined,
  }).then(
    () => isSending.delete(root),
    () => isSending.delete(root),
  );
}

const hostOf = (target: string): string => target.slice(0, target.lastIndexOf(":"));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
