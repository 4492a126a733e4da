// A filter as a condition over the rows of run-rows.ts. The text is put together from the fragments below; whatever a
// user typed goes in as a bound value. Two-valued: nothing is true of an absent value but `!=` and `not`.

import { fields } from "../../filter/fields.ts";
import { regexOfLike } from "../../filter/patterns.ts";
import type { Aggregate, Comparison, Field, Filter, Literal, Matching, Membership } from "../../filter/tree.ts";
import { metricKey } from "../keys.ts";

/** What a query over run rows is being built from: bound values, and the columns it uses. */
export interface RowScope {
  readonly nowMs: number;
  /** Returns the placeholder. */
  bind(
    type: "Float64" | "String" | "UInt64" | "UInt8" | "Int64" | "Array(Float64)" | "Array(String)" | "Array(UInt64)",
    value: unknown,
  ): string;
  /** A column of run_summaries, or what is worked out of some for the moment. */
  column(name: string): string;
}

export function filterSql(filter: Filter, scope: RowScope): string {
  switch (filter.kind) {
    case "and":
    case "or":
      return `(${filter.of.map((part) => filterSql(part, scope)).join(filter.kind === "and" ? " AND " : " OR ")})`;
    case "not":
      return `(NOT ${filterSql(filter.of, scope)})`;
    case "compare":
      return comparison(filter, scope);
    case "in":
      return membership(filter, scope);
    case "like":
    case "regex":
      return matching(filter, scope);
  }
}

function comparison({ field, operator, value }: Comparison, scope: RowScope): string {
  if (operator === "!=") return `(NOT ${equality(field, value, scope)})`;
  if (operator === "=") return equality(field, value, scope);
  const number = numberOf(value, scope.nowMs);
  return Number.isNaN(number) ? "0" : `(${numberSql(field, scope)} ${operator} ${scope.bind("Float64", number)})`;
}

function equality(field: Field, value: Literal, scope: RowScope): string {
  switch (value.type) {
    case "absent":
      return `(NOT ${presenceSql(field, scope)})`;
    case "text":
      return textsSql(field, scope, (text) => `${text} = ${scope.bind("String", value.value)}`);
    case "flag":
      return `(${flagSql(field, scope)} = ${value.value ? 1 : 0})`;
    case "number":
    case "time":
    case "now":
    case "duration": {
      const number = numberOf(value, scope.nowMs);
      const of = numberSql(field, scope);
      return Number.isNaN(number)
        ? `(isNaN(${of}) AND ${presenceSql(field, scope, "number")})`
        : `(${of} = ${scope.bind("Float64", number)})`;
    }
  }
}

function membership({ field, values }: Membership, scope: RowScope): string {
  switch (values[0]?.type) {
    case "text": {
      const list = scope.bind(
        "Array(String)",
        values.map((value) => (value as { value: string }).value),
      );
      return textsSql(field, scope, (text) => `has(${list}, ${text})`);
    }
    case "flag":
      return `(${values.map((value) => `${flagSql(field, scope)} = ${(value as { value: boolean }).value ? 1 : 0}`).join(" OR ")})`;
    default: {
      const numbers = values.map((value) => (value as { value: number }).value);
      const list = scope.bind(
        "Array(Float64)",
        numbers.filter((number) => !Number.isNaN(number)),
      );
      const isListed = `has(${list}, ${numberSql(field, scope)})`;
      if (!numbers.some(Number.isNaN)) return isListed;
      return `(${isListed} OR (isNaN(${numberSql(field, scope)}) AND ${presenceSql(field, scope, "number")}))`;
    }
  }
}

/** `(?s:…)`: a dot is any character, line breaks included. Engine and parser compile the same text. */
function matching({ kind, field, pattern }: Matching, scope: RowScope): string {
  const regex = scope.bind("String", kind === "like" ? regexOfLike(pattern) : `(?s:${pattern})`);
  return textsSql(field, scope, (text) => `match(${text}, ${regex})`);
}

/** Of the moment: literals of moments are measured from it. */
function numberOf(value: Literal, nowMs: number): number {
  switch (value.type) {
    case "number":
      return value.value;
    case "time":
    case "duration":
      return value.ms;
    case "now":
      return nowMs + value.offsetMs;
    default:
      return Number.NaN;
  }
}

const textColumns: Readonly<Partial<Record<Field["name"], string>>> = {
  name: "name",
  id: "id",
  project: "project",
  group: "run_group",
  owner: "owner",
  host: "host",
  note: "notes",
  error: "error",
  state: "state",
};
const setColumns: Readonly<Partial<Record<Field["name"], string>>> = { tag: "tags", alert: "alerts", verdict: "verdicts" };

/** Whether a condition holds of the text, or of one of the set. */
function textsSql(field: Field, scope: RowScope, condition: (text: string) => string): string {
  const set = setColumns[field.name];
  if (set !== undefined) return `arrayExists(one -> ${condition("one")}, ${scope.column(set)})`;
  const column = textColumns[field.name];
  if (column !== undefined) return `(${condition(scope.column(column))})`;
  const { key, texts } = keyedSql(field, scope);
  return `(mapContains(${texts()}, ${key}) AND ${condition(`${texts()}[${key}]`)})`;
}

/** Float64, NaN where it is absent. */
export function numberSql(field: Field, scope: RowScope): string {
  switch (field.name) {
    case "created":
      return `toFloat64(${scope.column("created_ms")})`;
    case "duration":
      return `toFloat64(${scope.column("duration_ms")})`;
    case "step":
      return `ifNull(toFloat64(${scope.column("step_max")}), nan)`;
    case "firing":
      return `toFloat64(${scope.column("firing")})`;
    case "summary":
      return summarySql(field.key, field.aggregate, scope);
    case "config":
    case "fact": {
      const { key, numbers } = keyedSql(field, scope);
      return `if(mapContains(${numbers()}, ${key}), ${numbers()}[${key}], nan)`;
    }
    default:
      return "nan";
  }
}

/** UInt8: 0, 1, or 2 where it is absent. */
function flagSql(field: Field, scope: RowScope): string {
  if (field.name === "archived" || field.name === "pinned") return scope.column(field.name);
  const { key, flags } = keyedSql(field, scope);
  return `if(mapContains(${flags()}, ${key}), ${flags()}[${key}], 2)`;
}

/** Whether there is a value; of `number`: one that is a number. Empty texts and sets count as absent. */
export function presenceSql(field: Field, scope: RowScope, of: "any" | "number" = "any"): string {
  switch (fields[field.name].type) {
    case "text":
    case "state":
      return `(${scope.column(textColumns[field.name] as string)} != '')`;
    case "set":
      return `notEmpty(${scope.column(setColumns[field.name] as string)})`;
    case "time":
    case "duration":
    case "flag":
      return "1";
    case "number":
      if (field.name === "step") return `isNotNull(${scope.column("step_max")})`;
      return field.name === "summary" ? summaryPresence(field.key, field.aggregate, scope) : "1";
    case "any": {
      const { key, numbers, texts, flags } = keyedSql(field, scope);
      const maps = of === "number" ? [numbers] : [numbers, texts, flags];
      return `(${maps.map((map) => `mapContains(${map()}, ${key})`).join(" OR ")})`;
    }
  }
}

/** `last` may be what the run set without a point; `first` and `last` may be NaN themselves. */
function summaryPresence(metric: string, aggregate: Aggregate, scope: RowScope): string {
  if (aggregate === "last") return `has(${scope.column("metrics")}, ${metricSql(metric, scope)})`;
  return `NOT isNaN(${summarySql(metric, aggregate === "first" ? "count" : aggregate, scope)})`;
}

/** NaN where the run has no such metric: an array has nothing at 0, and nothing would be 0. */
function summarySql(metric: string, aggregate: Aggregate, scope: RowScope): string {
  const at = `indexOf(${scope.column("metrics")}, ${metricSql(metric, scope)})`;
  return `if(${at} = 0, nan, ${scope.column(`summary_${aggregate}`)}[${at}])`;
}

const metricSql = (metric: string, scope: RowScope): string => scope.bind("UInt64", metricKey(metric).toString());

/** Values by key, split by type. */
function keyedSql(field: Field, scope: RowScope) {
  return {
    key: scope.bind("String", "key" in field ? field.key : ""),
    numbers: () => scope.column(`${field.name}_numbers`),
    texts: () => scope.column(`${field.name}_texts`),
    flags: () => scope.column(`${field.name}_flags`),
  };
}

/** Any field as one type: (0 absent, 1 number, 2 text, 3 flag, 4 texts; the number; the text; the texts). */
export function cellSql(field: Field, scope: RowScope): string {
  const cell = (kind: number, number: string, text: string, texts: string): string => `(${kind}, ${number}, ${text}, ${texts})`;
  const noTexts = "emptyArrayString()";
  const nothing = cell(0, "toFloat64(0)", "''", noTexts);
  const present = (value: string): string => `if(${presenceSql(field, scope)}, ${value}, ${nothing})`;
  switch (fields[field.name].type) {
    case "text":
    case "state":
      return present(cell(2, "toFloat64(0)", `toString(${scope.column(textColumns[field.name] as string)})`, noTexts));
    case "set":
      return present(cell(4, "toFloat64(0)", "''", scope.column(setColumns[field.name] as string)));
    case "flag":
      return cell(3, `toFloat64(${scope.column(field.name)})`, "''", noTexts);
    case "any": {
      const { key, numbers, texts, flags } = keyedSql(field, scope);
      return `multiIf(mapContains(${numbers()}, ${key}), ${cell(1, `${numbers()}[${key}]`, "''", noTexts)},
        mapContains(${texts()}, ${key}), ${cell(2, "toFloat64(0)", `${texts()}[${key}]`, noTexts)},
        mapContains(${flags()}, ${key}), ${cell(3, `toFloat64(${flags()}[${key}])`, "''", noTexts)}, ${nothing})`;
    }
    default:
      return present(cell(1, numberSql(field, scope), "''", noTexts));
  }
}

/** A field's place in an order: absent values and NaN last (rank 9), numbers before texts, then number and text. */
export function sortSql(field: Field, scope: RowScope): { readonly rank: string; readonly number: string; readonly text: string } {
  const zero = "toFloat64(0)";
  switch (fields[field.name].type) {
    case "text":
    case "state":
    case "set": {
      const set = setColumns[field.name];
      const text = set === undefined ? scope.column(textColumns[field.name] as string) : `arrayStringConcat(${scope.column(set)}, ', ')`;
      return { rank: `if(${text} = '', 9, 1)`, number: zero, text: `toString(${text})` };
    }
    case "flag":
      return { rank: "0", number: `toFloat64(${scope.column(field.name)})`, text: "''" };
    case "time":
    case "duration":
      return { rank: "0", number: numberSql(field, scope), text: "''" };
    case "number": {
      const number = numberSql(field, scope);
      return { rank: `if(isNaN(${number}), 9, 0)`, number: `if(isNaN(${number}), 0, ${number})`, text: "''" };
    }
    case "any": {
      const { key, texts, flags } = keyedSql(field, scope);
      const number = numberSql(field, scope);
      const hasText = `mapContains(${texts()}, ${key})`;
      const hasFlag = `mapContains(${flags()}, ${key})`;
      return {
        rank: `multiIf(NOT isNaN(${number}) OR ${hasFlag}, 0, ${hasText}, 1, 9)`,
        number: `multiIf(${hasFlag}, toFloat64(${flags()}[${key}]), isNaN(${number}), 0, ${number})`,
        text: `if(${hasText}, ${texts()}[${key}], '')`,
      };
    }
  }
}
