// A filter as a typed tree: what the text of a filter means, and all that the rest of the server sees of it. Every
// tree that `parseFilter` gives is well typed: a literal has the type of its field.

import type { FieldName } from "./fields.ts";

export type Filter =
  | { readonly kind: "and" | "or"; readonly of: readonly Filter[] }
  | { readonly kind: "not"; readonly of: Filter }
  | Comparison
  | Membership
  | Matching;

/** A field against a literal. `= null` asks whether the field is absent; nothing else is true of an absent field but `!=`. */
export interface Comparison {
  readonly kind: "compare";
  readonly field: Field;
  readonly operator: ComparisonOperator;
  readonly value: Literal;
}

/** Whether the field is one of these; of a set: whether it has one of these. Literals of one type, at least one. */
export interface Membership {
  readonly kind: "in";
  readonly field: Field;
  readonly values: readonly Literal[];
}

/** A text against a pattern; of a set: any of its texts. */
export interface Matching {
  readonly kind: "like" | "regex";
  readonly field: Field;
  readonly pattern: string;
}

export type ComparisonOperator = "=" | "!=" | "<" | "<=" | ">" | ">=";

export type Field =
  | { readonly name: Exclude<FieldName, KeyedName | "summary"> }
  | { readonly name: KeyedName; readonly key: string }
  | { readonly name: "summary"; readonly key: string; readonly aggregate: Aggregate };

export type KeyedName = "config" | "fact";

/** Of a metric's points that are not abandoned, over all ranks. min, max and where they are look at finite values only. */
export const aggregates = ["last", "first", "min", "max", "argmin", "argmax", "count", "nonfinite"] as const;
export type Aggregate = (typeof aggregates)[number];

export type Literal =
  | { readonly type: "number"; readonly value: number }
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "flag"; readonly value: boolean }
  | { readonly type: "absent" }
  /** Unix ms. */
  | { readonly type: "time"; readonly ms: number }
  /** A moment as seen from the moment of asking. */
  | { readonly type: "now"; readonly offsetMs: number }
  | { readonly type: "duration"; readonly ms: number };
