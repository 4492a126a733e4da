// Plain states as JSON and back, bit for bit: NaN, the infinities and -0 are written as strings that begin with "~n:",
// and strings that begin with "~" are escaped. Every other value is itself, so that a snapshot can be read by people.

import type { Plain } from "./rule.ts";

/** What JSON.stringify keeps. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const NUMBER = "~n:";
const STRING = "~s:";

export function encodePlain(value: Plain): Json {
  if (typeof value === "number") {
    if (Object.is(value, -0)) return `${NUMBER}-0`;
    return Number.isFinite(value) ? value : NUMBER + String(value);
  }
  if (typeof value === "string") return value.startsWith("~") ? STRING + value : value;
  return mapPlain(value, encodePlain);
}

export function decodePlain(value: Json): Plain {
  if (typeof value !== "string") return mapPlain(value, decodePlain);
  if (!value.startsWith("~")) return value;
  return value.startsWith(NUMBER) ? Number(value.slice(NUMBER.length)) : value.slice(STRING.length);
}

function mapPlain(value: Plain, map: (value: Plain) => Plain): Plain {
  if (Array.isArray(value)) return value.map(map);
  if (typeof value !== "object" || value === null) return value;
  // Keys are field names of states, never a user's words: those are kept as values.
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, map(field)]));
}
