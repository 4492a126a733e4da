// Calls of the query API. An answer that is not a success becomes an ApiError with the problem's own words.

import type { Problem } from "@gradwatch/server/api-types";

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** The first parameter that was wrong, and where. */
  readonly fault: NonNullable<Problem["errors"]>[number] | undefined;

  constructor(status: number, message: string, fault?: NonNullable<Problem["errors"]>[number]) {
    super(message);
    this.status = status;
    this.fault = fault;
  }
}

/** Hears "signed-out" when the server does not take the cookie (any more). */
export const signedOut: EventTarget = new EventTarget();

export async function getJson<Body>(path: string, signal?: AbortSignal): Promise<Body> {
  return await answerOf<Body>(await call(path, signal === undefined ? {} : { signal }));
}

export async function postJson<Body>(path: string, body: unknown, signal?: AbortSignal): Promise<Body> {
  const headers = { "content-type": "application/json" };
  return await answerOf<Body>(
    await call(path, { method: "POST", headers, body: JSON.stringify(body), ...(signal === undefined ? {} : { signal }) }),
  );
}

/** PATCH, DELETE or POST, with or without a body. */
export async function sendJson(method: string, path: string, body?: unknown): Promise<void> {
  const content = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  await answerOf(await call(path, { method, ...content }));
}

async function call(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(`/api/v1${path}`, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer. Is it running? The page tries again by itself.");
  }
}

async function answerOf<Body>(response: Response): Promise<Body> {
  if (response.ok) return (await response.json()) as Body;
  const problem = (await response.json().catch(() => undefined)) as Problem | undefined;
  if (response.status === 401) signedOut.dispatchEvent(new Event("signed-out"));
  throw new ApiError(response.status, problem?.detail ?? `The server answered ${response.status}.`, problem?.errors?.[0]);
}
