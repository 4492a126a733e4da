// Runs counted and put together: facets (how many runs have which value), groups with statistics over all their runs,
// and which keys and metrics there are at all.

import { z } from "zod";
import type { Field } from "../../filter/tree.ts";
import { Double, Integer } from "../query.ts";
import { cellSql, numberSql, presenceSql } from "./filter-sql.ts";
import { type RunSelection, selectRows } from "./row-scope.ts";
import { type BoundQuery, bound } from "./run-rows.ts";

/** kind as in cellSql; a set counts once for each of its texts. */
const Value = { kind: z.number(), number: Double, text: z.string() };

const valueSql = `if(cell.1 = 4, 2, cell.1) AS kind, cell.2 AS number, arrayJoin(if(cell.1 = 4, cell.4, [cell.3])) AS text`;

const FacetRow = z.object({ ...Value, runs: Integer, distinct: Integer });

/** The values that most runs have. `distinct` is how many values there are. */
export function facetQuery(field: Field, selection: RunSelection, limit: number): BoundQuery<typeof FacetRow> {
  const rows = selectRows(selection);
  const cell = cellSql(field, rows);
  const sql = `SELECT kind, number, text, count() AS runs, count() OVER () AS distinct
    FROM (SELECT ${valueSql} FROM (SELECT ${cell} AS cell ${rows.from()}))
    GROUP BY kind, number, text ORDER BY runs DESC, kind, number, text LIMIT ${rows.bind("Int64", limit)}`;
  return bound("run-facet", sql, FacetRow, rows.parameters);
}

const Statistics = z.tuple([Integer, Integer, Double, Double, Double, Double, Double]);
const GroupRow = z.object({ ...Value, runs: Integer, statistics: z.array(Statistics) });
export type GroupRow = z.output<typeof GroupRow>;

/**
 * Every run of a group counts. Statistics by field: finite values, other values, mean, sample standard deviation (stable
 * two-moment update), median (between the middle two), minimum, maximum, all of the finite values.
 */
export function groupsQuery(by: Field, of: readonly Field[], selection: RunSelection, limit: number): BoundQuery<typeof GroupRow> {
  const rows = selectRows(selection);
  const columns = of.map((field, i) => `, ${numberSql(field, rows)} AS value_${i}, ${presenceSql(field, rows, "number")} AS has_${i}`);
  const statistics = of.map((_field, i) => {
    const finite = `value_${i}, isFinite(value_${i})`;
    return `(countIf(isFinite(value_${i})), countIf(has_${i} AND NOT isFinite(value_${i})), avgIf(${finite}), stddevSampStableIf(${finite}),
      quantileExactInclusiveIf(0.5)(${finite}), minIf(${finite}), maxIf(${finite}))`;
  });
  const sql = `SELECT kind, number, text, count() AS runs, [${statistics.join(", ")}] AS statistics
    FROM (SELECT ${valueSql}, * FROM (SELECT ${cellSql(by, rows)} AS cell ${columns.join("")} ${rows.from()}))
    GROUP BY kind, number, text ORDER BY runs DESC, kind, number, text LIMIT ${rows.bind("Int64", limit)}`;
  return bound("run-groups", sql, GroupRow, rows.parameters);
}

const KeyRow = z.object({ field: z.enum(["config", "fact", "summary"]), name: z.string(), runs: Integer });

/** Keys of config and facts, and metrics, with how many runs have them. */
export function keysQuery(selection: RunSelection, limit: number): BoundQuery<typeof KeyRow> {
  const rows = selectRows(selection);
  const keysOf = (name: "config" | "fact"): string =>
    `arrayMap(key -> ('${name}', key), arrayConcat(${["numbers", "texts", "flags"].map((type) => `mapKeys(${rows.column(`${name}_${type}`)})`).join(", ")}))`;
  const all = `arrayConcat(${keysOf("config")}, ${keysOf("fact")}, arrayMap(name -> ('summary', toString(name)), ${rows.column("metric_names")}))`;
  const sql = `SELECT one.1 AS field, one.2 AS name, count() AS runs FROM (SELECT arrayJoin(${all}) AS one ${rows.from()})
    GROUP BY field, name ORDER BY runs DESC, field, name LIMIT ${rows.bind("Int64", limit)} BY field`;
  return bound("run-keys", sql, KeyRow, rows.parameters);
}
