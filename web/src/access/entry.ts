// How the page gets in: the address that the server prints carries a key behind "#", once; it becomes a cookie that no script can
// read, and leaves the address and the history. Later visits have the cookie.

import { ApiError, getJson, postJson } from "../api/client.ts";

/** A string is why there is no way in. */
export type Entry = "in" | { readonly refused: string };

const KEY = "#key=";

export async function enter(): Promise<Entry> {
  const { hash, pathname, search } = window.location;
  if (!hash.startsWith(KEY)) return await entryBy(() => getJson("/me"));
  window.history.replaceState(null, "", pathname + search);
  return await signIn(decodeURIComponent(hash.slice(KEY.length)));
}

export const signIn = (key: string): Promise<Entry> => entryBy(() => postJson("/session", { key: key.trim() }));

async function entryBy(ask: () => Promise<unknown>): Promise<Entry> {
  try {
    await ask();
    return "in";
  } catch (error) {
    // A server that is away is told of by whatever is shown.
    const isRefused = error instanceof ApiError && [400, 401, 403, 429].includes(error.status);
    return isRefused ? { refused: error.message } : "in";
  }
}
