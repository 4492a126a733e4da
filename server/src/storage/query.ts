// A query is a named value: SQL with placeholders, a schema of its parameters and one of its rows. Nothing a user
// types becomes SQL text; identifiers in the SQL are ours.

import { z } from "zod";

export interface Query<Parameters extends z.ZodObject, Row extends z.ZodType> {
  /** Shows in logs and metrics instead of the SQL. */
  readonly name: string;
  /** ClickHouse SELECT with `{name:Type}` placeholders; no FORMAT, no SETTINGS. */
  readonly sql: string;
  readonly parameters: Parameters;
  readonly row: Row;
  /** Background work and counts over everything, of narrow columns: no limit on rows, and more time. */
  readonly readsWholeTables?: boolean;
}

export const defineQuery = <Parameters extends z.ZodObject, Row extends z.ZodType>(query: Query<Parameters, Row>): Query<Parameters, Row> =>
  query;

/** Integers that may exceed 2^53: bound and read as text. */
export const UInt64 = z.union([z.bigint(), z.string()]).transform((value) => value.toString());

/** A count or a step: the engine sends 64-bit integers as text, these are safely below 2^53. */
export const Integer = z.coerce.number().int();

/** float64 as the engine's JSON has it: non-finite values as text, and so read back exactly. */
export const Double = z.union([
  z.number(),
  z.enum(["nan", "-nan", "inf", "-inf"]).transform((text) => ({ nan: NaN, "-nan": NaN, inf: Infinity, "-inf": -Infinity })[text]),
]);
