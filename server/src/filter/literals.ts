// Which literals a type of field takes, and what they mean.

import { type FieldType, states } from "./fields.ts";
import type { Token } from "./tokens.ts";
import type { Literal } from "./tree.ts";

/** Undefined: not of this type. */
export function literalOfToken(token: Token, type: FieldType): Literal | undefined {
  const word = token.type === "word" ? token.value.toLowerCase() : "";
  if (word === "null") return { type: "absent" };
  const isNumber = type === "number" || type === "any";
  if (isNumber && token.type === "number") return { type: "number", value: token.value };
  if (isNumber && word === "nan") return { type: "number", value: Number.NaN };
  if ((type === "flag" || type === "any") && (word === "true" || word === "false")) return { type: "flag", value: word === "true" };
  if (type === "duration" && token.type === "duration") return { type: "duration", ms: token.value };
  if (type === "time" && token.type === "now") return { type: "now", offsetMs: token.value };
  if (token.type !== "text") return undefined;
  if (type === "text" || type === "set" || type === "any") return { type: "text", value: token.value };
  if (type === "state") return (states as readonly string[]).includes(token.value) ? { type: "text", value: token.value } : undefined;
  if (type !== "time") return undefined;
  const ms = msOf(token.value);
  return ms === undefined ? undefined : { type: "time", ms };
}

const moment = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/;

/** ISO 8601, UTC where it names no zone. */
function msOf(text: string): number | undefined {
  const [, date, time = "00:00", zone = "Z"] = moment.exec(text) ?? [];
  const day = new Date(`${date}T00:00Z`);
  // JavaScript takes February 31 for March 3.
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date as string)) return undefined;
  const ms = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(ms) ? undefined : ms;
}
