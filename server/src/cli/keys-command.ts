// `gradwatch keys`: lists, creates and revokes the API keys of a running server.

import { Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { ApiKey, CreatedKey } from "../api/schema.ts";
import { scopes } from "../auth/principal.ts";
import { callApi, defaultUrl, serverAt } from "./call-api.ts";
import { table } from "./table.ts";

interface Common {
  readonly url: string;
  readonly json?: boolean;
}

interface CreateOptions extends Common {
  readonly owner: string;
  readonly scopes: readonly string[];
  readonly projects: readonly string[];
  readonly expires?: number;
  readonly replaces?: string;
}

export function keysCommand(): Command {
  const keys = new Command("keys").description("who may use a running server: takes a key with the scope admin");

  common(keys.command("create").description("create a key; its secret is printed this once"))
    .requiredOption("--owner <name>", "who it is for: a person, a team, a machine")
    .requiredOption("--scopes <list>", `what for, separated by commas: ${scopes.join(", ")}`, scopeList)
    .requiredOption("--projects <list>", "projects it is for, separated by commas; * for every one", list)
    .option("--expires <time>", "how long it lasts: 30d, 12h, 90m (default: until it is revoked)", duration)
    .option("--replaces <id>", "an earlier key whose runs it may go on with")
    .action(create);

  common(keys.command("list").description("list keys, ended ones too")).action(async ({ url, json }: Common) => {
    const { keys: all } = await callApi(serverAt(url, process.env), "GET", "/keys", z.object({ keys: z.array(ApiKey) }));
    print(json === true ? JSON.stringify(all, undefined, 2) : keyTable(all));
  });

  common(keys.command("revoke <id>").description("end a key; its open streams are closed within seconds")).action(
    async (id: string, { url, json }: Common) => {
      const key = await callApi(serverAt(url, process.env), "DELETE", `/keys/${encodeURIComponent(id)}`, ApiKey);
      print(json === true ? JSON.stringify(key, undefined, 2) : `key ${key.id} of ${key.owner} is revoked`);
    },
  );
  return keys;
}

const common = (command: Command): Command =>
  command
    .addOption(new Option("--url <url>", "address of the server's page").default(defaultUrl(process.env)))
    .option("--json", "print JSON, for programs");

async function create({ url, json, owner, scopes: given, projects, expires, replaces }: CreateOptions): Promise<void> {
  const body = { owner, scopes: given, projects, expiresInMs: expires ?? null, ...(replaces === undefined ? {} : { replaces }) };
  const created = await callApi(serverAt(url, process.env), "POST", "/keys", CreatedKey, body);
  if (json === true) {
    print(JSON.stringify(created, undefined, 2));
    return;
  }
  // The key alone on stdout, so that it can be piped.
  print(created.secret);
  process.stderr.write(
    `${keyTable([created.key])}\nIts secret is not kept and not shown again. Where it is used: gradwatch login --url ${url}, or GRADWATCH_API_KEY.\n`,
  );
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function keyTable(keys: readonly ApiKey[]): string {
  const rows = keys.map(({ id, owner, scopes: has, projects, state, isLocal, createdAt, expiresAt }) => [
    id,
    isLocal ? `${owner} (this server's user)` : owner,
    has.join(","),
    projects.join(","),
    state,
    day(createdAt),
    expiresAt === null ? "never" : day(expiresAt),
  ]);
  return table(["ID", "OWNER", "SCOPES", "PROJECTS", "STATE", "CREATED", "EXPIRES"], rows);
}

/** 2026-03-01 09:30, in UTC. */
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace("T", " ");

const list = (text: string): string[] =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

function scopeList(text: string): string[] {
  const given = list(text);
  const wrong = given.find((item) => !(scopes as readonly string[]).includes(item));
  if (wrong !== undefined) throw new InvalidArgumentError(`${JSON.stringify(wrong)} is no scope; there are ${scopes.join(", ")}.`);
  return given;
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function duration(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined || Number(amount) === 0) {
    throw new InvalidArgumentError("it must be a number of seconds, minutes, hours or days: 30s, 90m, 12h, 30d.");
  }
  return Number(amount) * (unitMs[unit] as number);
}
