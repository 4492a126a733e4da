// The values of columns that a user chose, for the rows of a page. However many columns, the query has the same few
// expressions over bound arrays of keys: the engine takes longer to understand 50 expressions than to answer them.

import type { Aggregate, Field } from "../../filter/tree.ts";
import { metricKey } from "../keys.ts";
import type { RowScope } from "./filter-sql.ts";
import type { RunRow } from "./run-rows.ts";

/** Undefined: absent. */
export type Cell = number | string | boolean | readonly string[] | undefined;

type Summary = Extract<Field, { name: "summary" }>;

/** Keys and aggregates that the columns name, each once, in a fixed order. */
function keysOf(columns: readonly Field[]): { config: string[]; fact: string[]; metrics: string[]; aggregates: Aggregate[] } {
  const keyed = (name: Field["name"]): string[] => [
    ...new Set(columns.flatMap((field) => (field.name === name && "key" in field ? [field.key] : []))),
  ];
  const aggregates = columns.filter((field): field is Summary => field.name === "summary").map(({ aggregate }) => aggregate);
  return { config: keyed("config"), fact: keyed("fact"), metrics: keyed("summary"), aggregates: [...new Set(aggregates)] };
}

export function cellColumns(columns: readonly Field[], bind: RowScope["bind"]): string {
  const { config, fact, metrics, aggregates } = keysOf(columns);
  const keyed = (name: "config" | "fact", keys: readonly string[]): string => {
    if (keys.length === 0) return `[] AS ${name}_cells`;
    const of = ["numbers", "texts", "flags"].map((type) => `${name}_${type}`);
    return `arrayMap(key -> (${of.map((map) => `mapContains(${map}, key), ${map}[key]`).join(", ")}), ${bind("Array(String)", keys)}) AS ${name}_cells`;
  };
  const parts = [keyed("config", config), keyed("fact", fact)];
  if (metrics.length === 0) return [...parts, "[] AS has_metric, [] AS metric_points, [] AS aggregated"].join(", ");
  const at = `arrayMap(key -> indexOf(metrics, key), ${bind("Array(UInt64)", metrics.map(metricKey))})`;
  const valuesOf = (aggregate: Aggregate): string => `arrayMap(i -> if(i = 0, nan, summary_${aggregate}[i]), ${at})`;
  return [
    ...parts,
    `arrayMap(i -> toUInt8(i > 0), ${at}) AS has_metric`,
    `${valuesOf("count")} AS metric_points`,
    `[${aggregates.map(valuesOf).join(", ")}] AS aggregated`,
  ].join(", ");
}

/** The cells of one row, in the order of the columns. */
export function cellsOf(columns: readonly Field[]): (row: RunRow) => Cell[] {
  const { config, fact, metrics, aggregates } = keysOf(columns);
  return (row) =>
    columns.map((field) => {
      switch (field.name) {
        case "config":
          return keyedCell(row.config_cells[config.indexOf(field.key)]);
        case "fact":
          return keyedCell(row.fact_cells[fact.indexOf(field.key)]);
        case "summary":
          return summaryCell(row, metrics.indexOf(field.key), field.aggregate, aggregates.indexOf(field.aggregate));
        default:
          return plainCell(field.name, row);
      }
    });
}

function keyedCell(cell: RunRow["config_cells"][number] | undefined): Cell {
  if (cell === undefined) return undefined;
  const [isNumber, number, isText, text, isFlag, flag] = cell;
  return isNumber === 1 ? number : isText === 1 ? text : isFlag === 1 ? flag === 1 : undefined;
}

/** `last` may be what the run set without a point; `first` and `last` may be NaN themselves. */
function summaryCell(row: RunRow, metric: number, aggregate: Aggregate, column: number): Cell {
  const value = row.aggregated[column]?.[metric] as number;
  const isThere =
    aggregate === "last"
      ? row.has_metric[metric] === 1
      : aggregate === "first"
        ? (row.metric_points[metric] as number) > 0
        : !Number.isNaN(value);
  return isThere ? value : undefined;
}

function plainCell(name: Exclude<Field["name"], "config" | "fact" | "summary">, row: RunRow): Cell {
  const text = (value: string): Cell => (value === "" ? undefined : value);
  const texts = (values: readonly string[]): Cell => (values.length === 0 ? undefined : values);
  switch (name) {
    case "name":
    case "id":
    case "project":
    case "owner":
    case "host":
    case "error":
      return text(row[name]);
    case "group":
      return text(row.run_group);
    case "note":
      return text(row.notes);
    case "tag":
      return texts(row.tags);
    case "alert":
      return texts(row.alerts);
    case "verdict":
      return texts(row.verdicts);
    case "state":
      return row.state;
    case "created":
      return row.created_ms;
    case "duration":
      return row.duration_ms;
    case "step":
      return row.step_max ?? undefined;
    case "firing":
      return row.firing;
    case "archived":
    case "pinned":
      return row[name] === 1;
  }
}
