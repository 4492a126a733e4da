// Stored protobuf JSON as the API shows it: 64-bit integers as numbers, enum values as the words of this API.

import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

type Json = Record<string, unknown>;

/** Of a message's JSON object; fields that the schema does not know are left out. */
export function plainMessage(schema: DescMessage, json: unknown): Json {
  if (typeof json !== "object" || json === null) return {};
  const given = json as Json;
  const shown = schema.fields
    .filter((field) => given[field.jsonName] !== undefined && given[field.jsonName] !== null)
    .map((field) => [field.jsonName, plainField(field, given[field.jsonName])] as const);
  return Object.fromEntries(shown);
}

function plainField(field: DescField, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => plainValue(field, item));
  return plainValue(field, value);
}

function plainValue(field: DescField, value: unknown): unknown {
  if (field.message !== undefined && field.fieldKind !== "map") return plainMessage(field.message, value);
  if (field.enum !== undefined) return enumWord(String(value), field.enum.sharedPrefix ?? "");
  if (field.scalar !== undefined && wide.has(field.scalar)) return Number(value);
  return value;
}

const wide: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

/** `LOSS_KIND_CROSS_ENTROPY` → "cross-entropy". */
const enumWord = (name: string, prefix: string): string =>
  (name.startsWith(prefix.toUpperCase()) ? name.slice(prefix.length) : name).toLowerCase().replaceAll("_", "-");
