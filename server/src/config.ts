// The server's one configuration: flags win over environment, environment over the file, the file over defaults. Every
// bad key is reported at once, with what it was, where it came from and what it may be.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import envPaths from "env-paths";
import { z } from "zod";

const port = z.coerce.number("a port, 0 to 65535").int("a port, 0 to 65535").min(0, "0 to 65535").max(65535, "0 to 65535");
const megabytes = z.coerce
  .number("a number of MiB")
  .int("a whole number of MiB")
  .min(256, "at least 256")
  .max(1_048_576, "at most 1048576");
const percent = z.coerce.number("a percentage").gt(0, "above 0").max(100, "at most 100");
const switchValue = z.union([z.boolean(), z.enum(["true", "false"], "true or false").transform((text) => text === "true")]);

/** Every option: its values, and what it is for. The flag is --kebab-case, the variable GRADWATCH_UPPER_CASE. */
export const Config = z.object({
  data: z
    .string()
    .min(1, "a folder")
    .transform((folder) => resolve(folder.replace(/^~(?=\/|$)/, homedir())))
    .describe("folder of the embedded engine's data; created with mode 0700"),
  host: z.string().min(1, "a host name or address").describe("address to listen on; others than loopback take TLS or --behind-proxy"),
  httpPort: port.describe("port of the page and the query API; 0 picks a free one"),
  grpcPort: port.describe("port that training processes send to; 0 picks a free one"),
  advertise: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, "host:port, for example gradwatch-1.example:7071")
    .optional()
    .describe(
      "host:port of this server's gRPC, as training processes reach it; given to every one of several servers, a run's processes meet at one",
    ),
  tlsCert: z.string().min(1, "a file").optional().describe("PEM file with the certificate, then those up to its root"),
  tlsKey: z.string().min(1, "a file").optional().describe("PEM file with its private key"),
  behindProxy: switchValue.describe("a proxy before this server speaks TLS and sets X-Forwarded-For"),
  authFailuresMax: z.coerce
    .number("a number")
    .int("a whole number")
    .min(1, "at least 1")
    .describe("attempts with a wrong key that one address has in a minute"),
  publicUrl: z.url("an http(s) URL").optional().describe("address of the page as people reach it, for links"),
  clickhouseUrl: z
    .url("an http(s) URL")
    .optional()
    .describe("ClickHouse server to use instead of the embedded engine (also CLICKHOUSE_URL)"),
  clickhouseUser: z.string().describe("user on that server"),
  clickhousePassword: z.string().describe("its password"),
  database: z
    .string()
    .regex(/^[A-Za-z_]\w{0,62}$/, "letters, digits and _, at most 63")
    .describe("database to use there"),
  engineMemory: megabytes.describe("memory limit of the embedded engine, in MiB"),
  diskWarn: percent.describe("percentage of the disk in use from which the server warns"),
  diskStop: percent.describe("percentage from which no data is taken; training processes keep theirs until there is room"),
  allowedHosts: z
    .string()
    .transform((list) =>
      list
        .split(",")
        .map((host) => host.trim())
        .filter((host) => host !== ""),
    )
    .describe("more Host names the page answers to, separated by commas"),
  logLevel: z.enum(["debug", "info", "warn", "error"], "debug, info, warn or error").describe("what the server logs"),
  readyJson: switchValue.describe("print one line of JSON with the bound addresses when ready"),
});
export type Config = z.output<typeof Config>;
export type ConfigKey = keyof Config;

/** Flags without a value. */
export const switches: ReadonlySet<string> = new Set(["readyJson", "behindProxy"]);

export const configKeys = Object.keys(Config.shape) as ConfigKey[];

const defaults: Readonly<Record<string, unknown>> = {
  data: envPaths("gradwatch", { suffix: "" }).data,
  host: "127.0.0.1",
  httpPort: 7070,
  grpcPort: 7071,
  behindProxy: false,
  authFailuresMax: 60,
  clickhouseUser: "default",
  clickhousePassword: "",
  database: "gradwatch",
  engineMemory: 1024,
  diskWarn: 80,
  diskStop: 95,
  allowedHosts: "",
  logLevel: "info",
  readyJson: false,
};

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export const flagOf = (key: string): string => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
export const variableOf = (key: string): string => `GRADWATCH_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** Where values come from, by key. */
export interface ConfigSources {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** JSON object with the same keys. */
  readonly file?: string | undefined;
}

/** @throws ConfigError that names every bad key. */
export function loadConfig(sources: ConfigSources): Config {
  const complaints: string[] = [];
  const values: Record<string, unknown> = { ...defaults };
  const origins = new Map<string, string>();
  const take = (from: Readonly<Record<string, unknown>>, nameOf: (key: string) => string): void => {
    for (const key of configKeys) {
      if (from[key] === undefined) continue;
      values[key] = from[key];
      origins.set(key, nameOf(key));
    }
  };

  const file = readFile(sources.file, complaints);
  for (const key of Object.keys(file)) {
    if (!(configKeys as string[]).includes(key))
      complaints.push(`${sources.file}: unknown key ${JSON.stringify(key)}; known: ${configKeys.join(", ")}`);
  }
  take(file, (key) => `${sources.file}: ${key}`);
  take(fromEnvironment(sources.environment), variableOf);
  take(sources.flags, flagOf);

  const parsed = Config.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const key = String(issue.path[0]);
    complaints.push(`${origins.get(key) ?? flagOf(key)} is ${JSON.stringify(values[key])}; accepted: ${issue.message}`);
  }
  if (parsed.success && complaints.length === 0) return parsed.data;
  throw new ConfigError(complaints.join("\n"));
}

function fromEnvironment(environment: ConfigSources["environment"]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  if (environment["CLICKHOUSE_URL"]) values["clickhouseUrl"] = environment["CLICKHOUSE_URL"];
  for (const key of configKeys) {
    const value = environment[variableOf(key)];
    if (value !== undefined && value !== "") values[key] = value;
  }
  return values;
}

function readFile(file: string | undefined, complaints: string[]): Record<string, unknown> {
  if (file === undefined) return {};
  if (!existsSync(file)) {
    complaints.push(`--config is ${JSON.stringify(file)}; there is no such file`);
    return {};
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    complaints.push(`${join(file)} is not a JSON object: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
    return {};
  }
}
