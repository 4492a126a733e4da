// One call of a running server's API, as its user: with the key that was given, or the one in this user's file for that address.

import { readFileSync } from "node:fs";
import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { text } from "node:stream/consumers";
import { keyFile, keyFolder, readKey } from "@gradwatch/proto";
import type { z } from "zod";
import { Problem } from "../api/schema.ts";

type Fault = NonNullable<Problem["errors"]>[number];

/** What a command could not do: one clear line. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  /** The first parameter that the server found wrong, and where. */
  readonly fault: Fault | undefined;

  constructor(message: string, fault?: Fault) {
    super(message);
    this.fault = fault;
  }
}

type Variables = Readonly<Record<string, string | undefined>>;

export const defaultUrl = (variables: Variables): string => variables["GRADWATCH_PUBLIC_URL"] || "http://127.0.0.1:7070";

export interface Server {
  readonly url: URL;
  readonly key: string;
}

/** host:port */
export function addressOf({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
}

/** @throws CommandError when the address is none, or no key is at hand. */
export function serverAt(given: string, variables: Variables): Server {
  const url = parseUrl(given);
  const folder = keyFolder(variables);
  const key = variables["GRADWATCH_API_KEY"] || readKey(folder, addressOf(url));
  if (key !== undefined) return { url, key };
  throw new CommandError(
    `there is no key for ${url.origin}: not in GRADWATCH_API_KEY, nor at ${keyFile(folder, addressOf(url))}. On the server's machine its own user has one; elsewhere run gradwatch login --url ${url.origin}.`,
  );
}

export function parseUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new CommandError(`--url is ${JSON.stringify(given)}; it must be an http(s) URL, for example https://gradwatch.example:7070.`);
}

/** @throws CommandError with the server's own words. */
export async function callApi<Schema extends z.ZodType>(
  { url, key }: Server,
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  schema: Schema,
  body?: unknown,
): Promise<z.output<Schema>> {
  const { status, content } = await send(new URL(`/api/v1${path}`, url), method, key, body).catch((error: unknown) => {
    throw new CommandError(`${url.origin} does not answer: ${messageOf(error)}. ${url.protocol === "https:" ? hintTls : hintPlain}`);
  });
  if (status === 200) return schema.parse(JSON.parse(content));
  const problem = Problem.safeParse(jsonOf(content));
  if (!problem.success) throw new CommandError(`${url.origin} answered ${status}. Is it a Gradwatch server?`);
  throw new CommandError(problem.data.detail, problem.data.errors?.[0]);
}

const hintPlain = "Is the server running, and is this the address of its page?";
const hintTls = "Is the server running? Name the file of its certificate authority in GRADWATCH_CA if it is your own.";

async function send(url: URL, method: string, key: string, body: unknown): Promise<{ status: number; content: string }> {
  const secure = url.protocol === "https:";
  const ca = process.env["GRADWATCH_CA"];
  const trust = secure && ca !== undefined && ca !== "" ? { ca: readFileSync(ca) } : {};
  const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { "content-type": "application/json" }) };
  return await new Promise((resolve, reject) => {
    const asking = (secure ? requestTls : requestPlain)(url, { method, headers, timeout: 30_000, ...trust }, (response) => {
      text(response).then((content) => resolve({ status: response.statusCode ?? 0, content }), reject);
    });
    asking.on("timeout", () => asking.destroy(new Error("no answer within 30 s")));
    asking.on("error", reject);
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function jsonOf(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

/** Of several addresses that were tried, the first failure has the reason. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
