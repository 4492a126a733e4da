// Options of `init`, completed by environment variables and defaults: GRADWATCH_*, then what schedulers and launchers set
// (torchrun, Slurm). A nonsensical value is warned about and replaced by the default; `init` never throws.

import { type CaptureSettings, resolveCapture } from "./capture/capture-settings.ts";
import { type Credentials, credentialsOf } from "./credentials.ts";
import { defaultSpoolRoot } from "./spool/spool-folder.ts";
import type { InitOptions, Mode } from "./types.ts";
import { nameProblem, usableName } from "./usable-name.ts";
import type { Warnings } from "./warnings.ts";

export interface Settings {
  readonly project: string;
  readonly id: string;
  readonly group: string;
  readonly mode: Mode;
  readonly resume: "allow" | "must" | "never";
  /** host:port for gRPC. */
  readonly target: string;
  readonly tls: boolean;
  readonly credentials: Credentials;
  /** Lets this process write to a run that another key has opened. */
  readonly runToken: string;
  /** Root folder of spools; undefined: none. */
  readonly spool: string | undefined;
  /** Of one run on this machine. */
  readonly spoolBytesMax: number;
  readonly spoolDaysMax: number;
  readonly capture: CaptureSettings;
  readonly rank: number;
  readonly worldSize: number;
  readonly localRank: number;
}

const defaultTarget = "127.0.0.1:7071";
const defaultPort = 7071;
/** Hours of a busy training. */
const defaultSpoolBytesMax = 1024 * 1024 * 1024;
export const defaultSpoolDaysMax = 30;

type Variables = Readonly<Record<string, string | undefined>>;

/** Where ids come from that the user does not give. */
export interface RunIds {
  readonly random: () => string;
  /** The id that all ranks have from their launcher; the second run of a process has "-2" after it, on every rank. */
  readonly shared: (project: string, id: string) => string;
}

export function resolveSettings(options: InitOptions, variables: Variables, ids: RunIds, warnings: Warnings): Settings {
  const integer = (what: string, given: unknown): number | undefined => {
    if (given === undefined || given === "") return undefined;
    const value = typeof given === "string" || typeof given === "number" ? Number(given) : Number.NaN;
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
    warnings.warn(what, `${what} is ${shown(given)}; it must be an integer from 0. Ignored.`);
    return undefined;
  };
  const choice = <Value extends string>(what: string, given: unknown, values: readonly Value[], fallback: Value): Value => {
    if (given === undefined || given === "") return fallback;
    if (values.includes(given as Value)) return given as Value;
    warnings.warn(what, `${what} is ${shown(given)}; it must be one of ${values.join(", ")}. Using ${fallback}.`);
    return fallback;
  };
  const atLeast = (what: string, given: unknown, min: number, fallback: number): number => {
    if (given === undefined || given === "") return fallback;
    const value = typeof given === "string" || typeof given === "number" ? Number(given) : Number.NaN;
    if (value >= min) return value;
    warnings.warn(what, `${what} is ${shown(given)}; it must be a number from ${min}. Using ${fallback}.`);
    return fallback;
  };
  const usable = (what: string, name: string): string => {
    const problem = nameProblem(name);
    if (problem === undefined && name.isWellFormed()) return name;
    const mended = usableName(name) || "unnamed";
    warnings.warn(what, `${what} ${problem ?? "is no text"}. Using ${JSON.stringify(mended.slice(0, 60))}.`);
    return mended;
  };
  const project = usable("project", text(options.project) ?? text(variables["GRADWATCH_PROJECT"]) ?? "default");
  const worldSize = integer("worldSize", options.worldSize ?? variables["WORLD_SIZE"] ?? variables["SLURM_NTASKS"]) ?? 0;
  const shared = sharedRunId(variables);
  const given = text(options.id);
  if (given === undefined && shared === undefined && worldSize > 1) {
    warnings.warn(
      "id",
      `this is one of ${worldSize} ranks, and nothing tells them which run they share: each begins its own. Set GRADWATCH_RUN_ID, or option id, to the same on all.`,
    );
  }
  return {
    project,
    id: usable("id", given ?? (shared === undefined ? ids.random() : ids.shared(project, shared))),
    group: text(options.group) ?? text(variables["GRADWATCH_RUN_GROUP"]) ?? "",
    mode: choice("mode", options.mode ?? variables["GRADWATCH_MODE"], ["online", "offline", "disabled"], "online"),
    resume: choice("resume", options.resume ?? variables["GRADWATCH_RESUME"], ["allow", "must", "never"], "allow"),
    ...parseAddress(text(options.url) ?? text(variables["GRADWATCH_URL"]) ?? defaultTarget, warnings),
    credentials: credentialsOf(text(options.apiKey) ?? text(variables["GRADWATCH_API_KEY"]), variables, (message) =>
      warnings.warn("ca", message),
    ),
    runToken: text(options.runToken) ?? text(variables["GRADWATCH_RUN_TOKEN"]) ?? "",
    spool: spoolRoot(options.spool, variables),
    spoolBytesMax: atLeast("spoolBytesMax", options.spoolBytesMax ?? variables["GRADWATCH_SPOOL_BYTES"], 1024 * 1024, defaultSpoolBytesMax),
    spoolDaysMax: atLeast("spoolDaysMax", options.spoolDaysMax ?? variables["GRADWATCH_SPOOL_DAYS"], 0, defaultSpoolDaysMax),
    capture: resolveCapture(options.capture, variables["GRADWATCH_CAPTURE"], (what) => warnings.warn("capture", `${what}. Ignored.`)),
    rank: integer("rank", options.rank ?? variables["RANK"] ?? variables["SLURM_PROCID"]) ?? 0,
    worldSize,
    localRank: integer("LOCAL_RANK", variables["LOCAL_RANK"] ?? variables["SLURM_LOCALID"]) ?? 0,
  };
}

function spoolRoot(given: unknown, variables: Variables): string | undefined {
  if (given === false || (given === undefined && variables["GRADWATCH_SPOOL"] === "off")) return undefined;
  return text(given) ?? defaultSpoolRoot(variables);
}

const shown = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? JSON.stringify(value) : `a ${typeof value}`;

/** What a launcher tells all ranks; torchrun says "none" where nobody named the job. */
export const sharedRunId = (variables: Variables): string | undefined =>
  text(variables["GRADWATCH_RUN_ID"]) ??
  (variables["TORCHELASTIC_RUN_ID"] === "none" ? undefined : text(variables["TORCHELASTIC_RUN_ID"])) ??
  text(variables["SLURM_JOB_ID"]);

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** "host:port", "http://host:port" or "https://host:port"; the port defaults to 7071. */
export function parseAddress(address: string, warnings: Warnings): { target: string; tls: boolean } {
  try {
    const url = new URL(/^[a-z][a-z+.-]*:\/\//i.test(address) ? address : `http://${address}`);
    if (url.protocol !== "http:" && url.protocol !== "https:") throw new Error(`protocol ${url.protocol} is not http or https`);
    if (url.hostname === "") throw new Error("no host");
    const port = /:(\d+)$/.exec(address.replace(/\/+$/, ""))?.[1] ?? defaultPort;
    return { target: `${url.hostname}:${port}`, tls: url.protocol === "https:" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    warnings.warn("url", `url is ${JSON.stringify(address)}: ${reason}. Use host:port; trying ${defaultTarget}.`);
    return { target: defaultTarget, tls: false };
  }
}
