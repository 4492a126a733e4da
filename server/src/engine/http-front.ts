// ClickHouse's HTTP protocol in front of the embedded engine, as far as @clickhouse/client needs it: query text in
// the URL or the body, settings and `param_*` in the URL, data of an INSERT in the body, errors as status 500 with
// X-ClickHouse-Exception-Code. So embedded and remote storage are one code path. Not an open SQL port: it listens on
// loopback and answers nothing without the secret that the server gave to its engine process.

import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { randomUUID, timingSafeEqual } from "node:crypto";
import type { Session } from "chdb";
import type { SessionPool } from "./sessions.ts";

export interface HttpFrontOptions {
  readonly secret: string;
  readonly readers: SessionPool;
  readonly writers: SessionPool;
  /** Bodies of inserts are laid down here for INFILE: the engine reads binary formats from files only. */
  readonly incomingFolder: string;
}

/** Query text from a URL or a body; the server never writes longer ones. */
const queryBytesMax = 4 * 1024 * 1024;

export function createHttpFront(options: HttpFrontOptions): RequestListener {
  return (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendError(response, error);
    });
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, options: HttpFrontOptions): Promise<void> {
  const url = new URL(request.url ?? "/", "http://engine");
  if (url.pathname === "/ping") {
    response.end("Ok.\n");
    return;
  }
  if (!isAuthorized(request, options.secret)) {
    response.writeHead(403, { "X-ClickHouse-Exception-Code": "516" }).end("Code: 516. wrong secret");
    return;
  }
  const query = url.searchParams.get("query");
  const call: Call = {
    ended: false,
    id: randomUUID(),
    text: query ?? (await readText(request)),
    parameters: [...url.searchParams].filter(([name]) => name.startsWith("param_")),
    settings: [...url.searchParams].filter(([name]) => !notSettings.has(name) && !name.startsWith("param_")),
    database: url.searchParams.get("database") ?? "default",
    format: request.headers["x-clickhouse-format"]?.toString() ?? "TabSeparated",
  };
  response.on("close", () => {
    if (!response.writableFinished) void kill(call, options.readers);
  });
  try {
    await perform(request, response, call, query, options);
  } finally {
    call.ended = true;
  }
}

async function perform(
  request: IncomingMessage,
  response: ServerResponse,
  call: Call,
  query: string | null,
  options: HttpFrontOptions,
): Promise<void> {
  const insertFormat = query === null ? null : /^\s*INSERT\s+INTO\s[^]*\sFORMAT\s+(\w+)\s*$/i.exec(query);
  if (insertFormat !== null) await insert(request, response, call, insertFormat[1] as string, options);
  else if (/^\s*(SELECT|WITH|SHOW|DESCRIBE|EXISTS|EXPLAIN)\b/i.test(call.text)) await run(response, call, options.readers);
  else await run(response, call, options.writers);
}

interface Call {
  /** Its work is over, well or not. */
  ended: boolean;
  readonly id: string;
  readonly text: string;
  readonly parameters: readonly (readonly [string, string])[];
  readonly settings: readonly (readonly [string, string])[];
  readonly database: string;
  readonly format: string;
}

/** URL parameters that say how to answer, not how to run the query. */
const notSettings = new Set(["query", "query_id", "session_id", "database", "default_format", "enable_http_compression"]);

async function insert(
  request: IncomingMessage,
  response: ServerResponse,
  call: Call,
  format: string,
  { writers, incomingFolder }: HttpFrontOptions,
): Promise<void> {
  const file = join(incomingFolder, `${call.id}.data`);
  try {
    await pipeline(request, createWriteStream(file, { mode: 0o600, highWaterMark: 1024 * 1024 }));
    const target = call.text.replace(/\sFORMAT\s+\w+\s*$/i, "");
    const text = `${target} FROM INFILE ${quote(file)}${settingsClause(call)} FORMAT ${format}`;
    await writers.with(async (session) => {
      await bind(session, call);
      await session.queryAsync(text);
    });
    response.end();
  } finally {
    await rm(file, { force: true });
  }
}

/** Answers as a whole: the addon's streams survive KILL QUERY, and one read is small by its limits. */
async function run(response: ServerResponse, call: Call, sessions: SessionPool): Promise<void> {
  await sessions.with(async (session) => {
    await bind(session, call);
    if (response.destroyed) return;
    const result = await session.queryAsync(`${call.text}${settingsClause(call)}`, { format: call.format });
    response.end(Buffer.from(result.bytes()));
  });
}

/** A connection stays in the database that its last request used. */
const currentDatabase = new WeakMap<Session, string>();

/** Parameter values arrive escaped as the HTTP protocol wants them, and `SET param_…` reads the same escapes. */
async function bind(session: Session, call: Call): Promise<void> {
  if (currentDatabase.get(session) !== call.database) {
    await session.queryAsync(`USE ${identifier(call.database)}`);
    currentDatabase.set(session, call.database);
  }
  if (call.parameters.length === 0) return;
  const assignments = call.parameters.map(([name, value]) => `${identifier(name)} = ${quote(value)}`);
  await session.queryAsync(`SET ${assignments.join(", ")}`);
}

function settingsClause({ id, text, settings }: Call): string {
  if (/^\s*(CREATE|ALTER|DROP|SYSTEM|KILL|OPTIMIZE|SET|TRUNCATE|EXISTS|SHOW|RENAME|BACKUP|RESTORE)\b/i.test(text)) return "";
  const all = [...settings, ["log_comment", id] as const];
  return `\nSETTINGS ${all.map(([name, value]) => `${identifier(name)} = ${quote(value)}`).join(", ")}`;
}

/** The caller is gone: stop working for it. Asked again until it ends: the query may not have begun yet. */
async function kill(call: Call, readers: SessionPool): Promise<void> {
  const text = `KILL QUERY WHERE Settings['log_comment'] = ${quote(call.id)} ASYNC`;
  for (let attempt = 0; !call.ended && attempt < killAttemptsMax; attempt++) {
    await readers.with((session) => session.queryAsync(text)).catch(() => undefined);
    await delay(killIntervalMs);
  }
}

const killIntervalMs = 200;
/** After that the query's own time limit ends it. */
const killAttemptsMax = 50;

function isAuthorized(request: IncomingMessage, secret: string): boolean {
  const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  const given =
    basic === undefined
      ? ""
      : Buffer.from(basic, "base64")
          .toString()
          .replace(/^[^:]*:/, "");
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > queryBytesMax) throw new Error(`query text exceeds ${queryBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** ClickHouse's code for errors of other libraries (src/Common/ErrorCodes.cpp: STD_EXCEPTION is 1001, this 1002). */
const UNKNOWN_EXCEPTION = 1002;

function sendError(response: ServerResponse, error: unknown): void {
  const { clickhouseCode } = error as { clickhouseCode?: unknown };
  const code = typeof clickhouseCode === "number" ? clickhouseCode : UNKNOWN_EXCEPTION;
  const message = error instanceof Error ? error.message : String(error);
  response
    .writeHead(500, { "X-ClickHouse-Exception-Code": code })
    .end(message.startsWith("Code: ") ? message : `Code: ${code}. DB::Exception: ${message} (EMBEDDED_ENGINE)`);
}

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function identifier(name: string): string {
  if (!/^\w+$/.test(name)) throw new Error(`database, setting or parameter name ${JSON.stringify(name)} is not an identifier`);
  return name;
}
