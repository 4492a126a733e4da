// Hyper-parameters as the wire has them: nested objects flatten with ".", lists and null travel as JSON, secrets stay here.

import { create } from "@bufbuild/protobuf";
import { type ConfigEntry, ConfigEntrySchema } from "@gradwatch/proto";
import { REDACTED, redactText, redactValue } from "./redact.ts";
import { nameProblem } from "./usable-name.ts";

/** Deeper nesting than this is kept as JSON text. */
const DEPTH_MAX = 8;
const ENTRIES_MAX = 10_000;
/** UTF-16 units of one value; the server takes lines of 64 KiB. */
const TEXT_LENGTH_MAX = 16_000;

/** @param wrong Told about what cannot be taken. */
export function configEntries(config: unknown, wrong: (message: string) => void): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  const walk = (value: unknown, name: string, depth: number): void => {
    if (entries.length >= ENTRIES_MAX) {
      wrong(`the configuration has more than ${ENTRIES_MAX} values; the rest is left out`);
      return;
    }
    if (isRecord(value) && depth < DEPTH_MAX) {
      for (const key of Object.keys(value)) {
        const inner = name === "" ? key : `${name}.${key}`;
        let member: unknown;
        try {
          member = value[key];
        } catch (error) {
          wrong(
            `config ${JSON.stringify(inner.slice(0, 60))} cannot be read: ${error instanceof Error ? error.message : "an error was thrown"}`,
          );
          continue;
        }
        walk(member, inner, depth + 1);
      }
      return;
    }
    const entry = configValue(name, value);
    const problem = nameProblem(name);
    if (problem !== undefined) wrong(`a config key ${problem}. Left out.`);
    else if (entry !== undefined) entries.push(create(ConfigEntrySchema, { key: name, value: entry }));
  };
  if (isRecord(config)) walk(config, "", 0);
  else if (config !== undefined) wrong(`config is ${config === null ? "null" : `a ${typeof config}`}; give it an object. Left out.`);
  return entries;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value) && !(value instanceof Date);

/** Undefined: functions and symbols, and what is undefined, are no configuration. */
function configValue(name: string, value: unknown): ConfigEntry["value"] | undefined {
  switch (typeof value) {
    case "number":
      return { case: "number", value };
    case "boolean":
      return { case: "flag", value };
    case "bigint":
      return { case: "text", value: value.toString() };
    case "string":
      return { case: "text", value: redactValue(name, value).slice(0, TEXT_LENGTH_MAX).toWellFormed() };
    case "object":
      return { case: "json", value: jsonOf(name, value) };
    default:
      return undefined;
  }
}

function jsonOf(name: string, value: unknown): string {
  try {
    const text = JSON.stringify(
      ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value,
      (key, inner: unknown) => {
        if (typeof inner === "bigint") return inner.toString();
        return typeof inner === "string" ? redactValue(key === "" || /^\d+$/.test(key) ? name : key, inner) : inner;
      },
    );
    if (text.length <= TEXT_LENGTH_MAX) return text;
    return JSON.stringify(`${redactText(text.slice(0, 200))}… (${text.length} characters)`);
  } catch (error) {
    return JSON.stringify(`${REDACTED}: ${error instanceof Error ? error.message : "cannot be written as JSON"}`);
  }
}
