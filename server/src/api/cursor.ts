// Where the next page begins: the sort key of the last item shown, so that new items on top shift nothing. Opaque to
// clients.

import { ProblemError } from "./problem.ts";

/** A time and an id that orders what happened at the same time. */
export interface Cursor {
  readonly ms: number;
  readonly id: string;
}

/** Before everything: the newest page. */
export const start = (lastId: string): Cursor => ({ ms: Number.MAX_SAFE_INTEGER, id: lastId });

export const encodeCursor = ({ ms, id }: Cursor): string => Buffer.from(`${ms}:${id}`).toString("base64url");

/** @param idPattern what ids of this list look like. @throws ProblemError */
export function decodeCursor(text: string, idPattern: RegExp): Cursor {
  const [, ms, id] = /^(\d{1,16}):(.+)$/.exec(Buffer.from(text, "base64url").toString()) ?? [];
  if (ms === undefined || id === undefined || !idPattern.test(id)) {
    throw new ProblemError(
      "invalid-request",
      `cursor ${JSON.stringify(text.slice(0, 100))} was not made by this list. Leave it out to begin at the newest.`,
    );
  }
  return { ms: Number(ms), id };
}
