// A record of the user as names and numbers. Nested records flatten with "."; what is not a number is reported and the
// rest is kept. Getters may throw, objects may be cyclic: nothing of that reaches the caller.

import type { LogRecord } from "./types.ts";

export interface FlatRecord {
  readonly names: string[];
  readonly values: number[];
  /** One sentence a value that could not be taken. */
  readonly refused: string[];
}

/** Deeper nesting is a cycle or a mistake. */
const depthMax = 8;

export function flatten(record: LogRecord): FlatRecord {
  const flat: FlatRecord = { names: [], values: [], refused: [] };
  if (typeof record !== "object" || record === null) {
    flat.refused.push(`log() was given ${describe(record)}; give it an object of numbers, for example log({ loss: 0.3 })`);
    return flat;
  }
  walk(record, "", 0, flat);
  return flat;
}

function walk(record: object, prefix: string, depth: number, flat: FlatRecord): void {
  let names: string[];
  try {
    names = Object.keys(record);
  } catch (error) {
    flat.refused.push(`the names of ${prefix === "" ? "a record" : prefix} cannot be read: ${messageOf(error)}`);
    return;
  }
  for (const key of names) {
    const name = prefix + key;
    let value: unknown;
    try {
      value = (record as Record<string, unknown>)[key];
    } catch (error) {
      flat.refused.push(`${short(name)} cannot be read: ${messageOf(error)}`);
      continue;
    }
    const number = toNumber(value);
    if (number !== undefined) {
      flat.names.push(name);
      flat.values.push(number);
    } else if (typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)) {
      if (depth < depthMax) walk(value, `${name}.`, depth + 1, flat);
      else flat.refused.push(`${short(name)} is nested deeper than ${depthMax} levels, or cyclic; log flat numbers`);
    } else {
      flat.refused.push(`${short(name)} is ${describe(value)}; log() takes numbers, booleans and nested records of them`);
    }
  }
}

/** The number that is logged for a value, or undefined where there is none. */
export function toNumber(value: unknown): number | undefined {
  switch (typeof value) {
    case "number":
      return value;
    case "bigint":
      return Number(value);
    case "boolean":
      return value ? 1 : 0;
    default:
      return undefined;
  }
}

const short = (name: string): string => JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : "an error was thrown");

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  if (ArrayBuffer.isView(value)) return "a typed array (see logTensor)";
  return typeof value === "string" ? `the text ${short(value)}` : `a ${typeof value}`;
}
