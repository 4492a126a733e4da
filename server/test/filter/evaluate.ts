// The oracle of filters: a slow evaluator over plain objects, written from the documentation and not from the SQL.

import { RE2JS } from "re2js";
import { regexFlags, regexOfLike } from "../../src/filter/patterns.ts";
import type { Aggregate, Field, Filter, Literal } from "../../src/filter/tree.ts";

type Value = number | string | boolean | readonly string[];

/** A run as filters see it: absent values are undefined. */
export interface SeenRun {
  readonly plain: Readonly<Partial<Record<Field["name"], Value | undefined>>>;
  readonly config: ReadonlyMap<string, Value>;
  readonly fact: ReadonlyMap<string, Value>;
  readonly summary: ReadonlyMap<string, Readonly<Partial<Record<Aggregate, number>>>>;
}

export function evaluate(filter: Filter, run: SeenRun, nowMs: number): boolean {
  switch (filter.kind) {
    case "and":
      return filter.of.every((part) => evaluate(part, run, nowMs));
    case "or":
      return filter.of.some((part) => evaluate(part, run, nowMs));
    case "not":
      return !evaluate(filter.of, run, nowMs);
    case "in":
      return filter.values.some((value) => equals(valueOf(filter.field, run), value, nowMs, filter.field));
    case "like":
    case "regex": {
      const regex = RE2JS.compile(filter.kind === "like" ? regexOfLike(filter.pattern) : filter.pattern, regexFlags);
      const value = valueOf(filter.field, run);
      const texts =
        typeof value === "object" ? value : typeof value === "string" ? [value] : value === undefined && isText(filter.field) ? [""] : [];
      return texts.some((text) => regex.matcher(text).find());
    }
    case "compare": {
      const { operator, value } = filter;
      const found = valueOf(filter.field, run);
      if (operator === "=") return equals(found, value, nowMs, filter.field);
      if (operator === "!=") return !equals(found, value, nowMs, filter.field);
      if (typeof found !== "number") return false;
      const limit = numberOf(value, nowMs) as number;
      return operator === "<" ? found < limit : operator === "<=" ? found <= limit : operator === ">" ? found > limit : found >= limit;
    }
  }
}

export function valueOf(field: Field, run: SeenRun): Value | undefined {
  if (field.name === "summary") return run.summary.get(field.key)?.[field.aggregate];
  if (field.name === "config" || field.name === "fact") return run[field.name].get(field.key);
  return run.plain[field.name];
}

/** Texts that are empty are absent, and match as empty. */
const isText = (field: Field): boolean => ["name", "id", "project", "group", "owner", "host", "note", "error"].includes(field.name);

function equals(found: Value | undefined, value: Literal, nowMs: number, field: Field): boolean {
  if (value.type === "absent") return found === undefined;
  if (typeof found === "object") return value.type === "text" && found.includes(value.value);
  if (value.type === "text") return (found ?? (isText(field) ? "" : undefined)) === value.value;
  if (value.type === "flag") return found === value.value;
  const number = numberOf(value, nowMs) as number;
  return typeof found === "number" && (found === number || (Number.isNaN(found) && Number.isNaN(number)));
}

function numberOf(value: Literal, nowMs: number): number | undefined {
  if (value.type === "number") return value.value;
  if (value.type === "now") return nowMs + value.offsetMs;
  return value.type === "time" || value.type === "duration" ? value.ms : undefined;
}
