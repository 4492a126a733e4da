// From tree to text, so that the text parses back to the same tree. Keys and texts are quoted where they have to be.

import { unitsMs } from "./tokens.ts";
import type { Field, Filter, Literal } from "./tree.ts";

export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case "and":
    case "or":
      return filter.of
        .map((part) => (part.kind === "or" || part.kind === "and" ? `(${printFilter(part)})` : printFilter(part)))
        .join(` ${filter.kind} `);
    case "not":
      return filter.of.kind === "and" || filter.of.kind === "or" ? `not (${printFilter(filter.of)})` : `not ${printFilter(filter.of)}`;
    case "compare":
      return `${printField(filter.field)} ${filter.operator} ${printLiteral(filter.value)}`;
    case "in":
      return `${printField(filter.field)} in [${filter.values.map(printLiteral).join(", ")}]`;
    case "like":
    case "regex":
      return `${printField(filter.field)} ${filter.kind === "regex" ? "~" : "like"} ${JSON.stringify(filter.pattern)}`;
  }
}

export function printField(field: Field): string {
  if (!("key" in field)) return field.name;
  return field.name === "summary" ? `summary.${printKey(field.key)}.${field.aggregate}` : `${field.name}.${printKey(field.key)}`;
}

const plainKey = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

const printKey = (key: string): string => (plainKey.test(key) ? key : JSON.stringify(key));

function printLiteral(literal: Literal): string {
  switch (literal.type) {
    case "number":
      return printNumber(literal.value);
    case "text":
      return JSON.stringify(literal.value);
    case "flag":
      return String(literal.value);
    case "absent":
      return "null";
    case "time":
      return JSON.stringify(new Date(literal.ms).toISOString());
    case "now":
      return literal.offsetMs === 0 ? "now" : `now${literal.offsetMs < 0 ? "-" : "+"}${printDuration(Math.abs(literal.offsetMs))}`;
    case "duration":
      return printDuration(literal.ms);
  }
}

function printNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

function printDuration(ms: number): string {
  const [unit, size] = Object.entries(unitsMs).find(([, each]) => ms > 0 && ms % each === 0 && (ms / each) * each === ms) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}
