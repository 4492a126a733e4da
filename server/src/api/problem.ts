// Errors as RFC 9457 problem documents: one table from what went wrong to status, title and whether to try again. A
// problem never quotes the database's own words.

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { StoreError, type StoreErrorCode } from "../storage/store.ts";
import type { Problem } from "./schema.ts";

export const problemKinds = {
  "invalid-request": { status: 400, title: "The request is not valid" },
  unauthenticated: { status: 401, title: "The key is missing or not valid" },
  forbidden: { status: 403, title: "The key may not do this" },
  "wrong-origin": { status: 403, title: "This page may not use the API" },
  "not-found": { status: 404, title: "There is no such thing" },
  "not-connected": { status: 409, title: "No process of the run is connected" },
  "wrong-host": { status: 421, title: "The server does not answer to this name" },
  "over-limit": { status: 422, title: "The answer would exceed a limit" },
  "too-many-failures": { status: 429, title: "Too many attempts with a wrong key" },
  internal: { status: 500, title: "The server made a mistake" },
  "storage-unavailable": { status: 503, title: "Storage is away" },
  timeout: { status: 504, title: "The query took too long" },
} as const satisfies Record<string, { status: ContentfulStatusCode; title: string }>;

export type ProblemKind = keyof typeof problemKinds;

/** Thrown by routes; becomes the answer. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly kind: ProblemKind;
  readonly errors: Problem["errors"];

  constructor(kind: ProblemKind, detail: string, errors?: Problem["errors"]) {
    super(detail);
    this.kind = kind;
    this.errors = errors;
  }
}

export function problemOf(kind: ProblemKind, detail: string, errors?: Problem["errors"]): Problem {
  const { status, title } = problemKinds[kind];
  return { type: `https://gradwatch.dev/problems/${kind}`, title, status, detail, ...(errors === undefined ? {} : { errors }) };
}

const retryAfterSeconds = "2";

export function answerProblem(c: Context, problem: Problem): Response {
  const headers: Record<string, string> = { "content-type": "application/problem+json", "cache-control": "no-store" };
  if (problem.status === 503) headers["retry-after"] = retryAfterSeconds;
  return c.body(JSON.stringify(problem), problem.status as ContentfulStatusCode, headers);
}

const ofStore: Readonly<Record<StoreErrorCode, readonly [ProblemKind, string]>> = {
  unavailable: ["storage-unavailable", "Storage does not answer just now. Nothing is lost; try again in a moment."],
  timeout: ["timeout", "The query ran into its time limit. Ask for fewer runs, metrics or steps."],
  limit: ["over-limit", "The query would read more than its limit. Ask for fewer runs, metrics or steps."],
  rejected: ["internal", "Storage refused the query. This is a bug; the server's log has the rest."],
};

/** @param failed Told of what is the server's own fault. */
export function problemOfError(error: unknown, failed: (error: unknown) => void): Problem {
  if (error instanceof ProblemError) return problemOf(error.kind, error.message, error.errors);
  if (error instanceof StoreError) {
    if (error.code === "rejected") failed(error);
    return problemOf(...ofStore[error.code]);
  }
  failed(error);
  return problemOf("internal", "The server failed to answer. This is a bug; its log has the rest.");
}
