// From text to tree, by recursive descent:
//
//   or         = and { "or" and }
//   and        = unary { "and" unary }
//   unary      = "not" unary | "(" or ")" | comparison
//   comparison = field ( ("=" | "!=" | "<" | "<=" | ">" | ">=") literal | ["not"] "in" "[" literal { "," literal } "]"
//                      | ["not"] "like" text | "~" text )
//   field      = word | ("config" | "fact") "." path | "summary" "." path "." aggregate
//   path       = (word | text) { "." (word | text) }
//
// Names are known, literals have their field's type, patterns compile: a tree needs no further check. Errors name the
// column and what was expected there.

import { type FieldType, fields, isFieldName, literalOf, type Operator, operatorsOf } from "./fields.ts";
import { FilterError } from "./filter-error.ts";
import { literalOfToken } from "./literals.ts";
import { faultOfLength, faultOfRegex } from "./patterns.ts";
import { createReader, type Reader } from "./token-reader.ts";
import { type Token, tokensOf } from "./tokens.ts";
import { type Aggregate, aggregates, type Field, type Filter, type Literal } from "./tree.ts";

export const filterLimits = { lengthMax: 4_000, depthMax: 32, comparisonsMax: 100, listMax: 500, sortKeysMax: 3, columnsMax: 100 } as const;

/** @throws FilterError */
export function parseFilter(source: string): Filter {
  const { reader, filter } = start(source);
  const parsed = filter();
  reader.end('"and", "or" or the end');
  return parsed;
}

/** A field alone: what sorting, columns, facets and groups name. @throws FilterError */
export function parseField(source: string): Field {
  const { reader, field } = start(source);
  const parsed = field();
  reader.end("the end of the field");
  return parsed;
}

/** Fields between commas, each with `asc` (the default) or `desc`. @throws FilterError */
export function parseSort(source: string): { field: Field; descending: boolean }[] {
  const { reader, field } = start(source);
  const keys: { field: Field; descending: boolean }[] = [];
  do {
    const { column } = reader.peek();
    if (keys.length === filterLimits.sortKeysMax)
      throw new FilterError(column, `the limit is ${filterLimits.sortKeysMax} fields to sort by.`);
    keys.push({ field: field(), descending: !reader.keyword("asc") && reader.keyword("desc") });
  } while (reader.symbol(","));
  reader.end('"asc", "desc", "," or the end');
  return keys;
}

/** Fields between commas. @throws FilterError */
export function parseFields(source: string): Field[] {
  const { reader, field } = start(source);
  const parsed = [field()];
  while (reader.symbol(",")) {
    const { column } = reader.peek();
    if (parsed.length === filterLimits.columnsMax) throw new FilterError(column, `the limit is ${filterLimits.columnsMax} fields.`);
    parsed.push(field());
  }
  reader.end('"," or the end');
  return parsed;
}

function start(source: string): { reader: Reader; filter: () => Filter; field: () => Field } {
  if (source.length > filterLimits.lengthMax) {
    throw new FilterError(
      filterLimits.lengthMax + 1,
      `the text is ${source.length} characters; the limit is ${filterLimits.lengthMax}. Shorten it.`,
    );
  }
  const reader = createReader(tokensOf(source), source);
  let comparisons = 0;
  let depth = 0;

  function chain(kind: "and" | "or", part: () => Filter): Filter {
    const of = [part()];
    while (reader.keyword(kind)) of.push(part());
    return of.length === 1 ? (of[0] as Filter) : { kind, of };
  }
  const filter = (): Filter => chain("or", () => chain("and", unary));

  function unary(): Filter {
    const { column } = reader.peek();
    if (++depth > filterLimits.depthMax)
      throw new FilterError(column, `this is nested ${depth} deep; the limit is ${filterLimits.depthMax}.`);
    try {
      if (reader.keyword("not")) return { kind: "not", of: unary() };
      if (!reader.symbol("(")) return comparison();
      const inner = filter();
      if (!reader.symbol(")")) reader.fail('")", "and" or "or"');
      return inner;
    } finally {
      depth--;
    }
  }

  function field(): Field {
    const token = reader.peek();
    if (token.type !== "word" || !isFieldName(token.value)) return reader.fail(`a field: ${Object.keys(fields).join(", ")}`);
    reader.next();
    const name = token.value;
    if (name !== "config" && name !== "fact" && name !== "summary") return { name };
    const path: Extract<Token, { value: string }>[] = [];
    while (reader.symbol(".")) path.push(reader.name(name === "summary" ? "a metric or its aggregate" : "a key"));
    if (path.length === 0) return reader.fail(`"." and a key: ${fields[name].about}`);
    if (name !== "summary") return { name, key: keyOf(path) };
    const last = path.at(-1) as Extract<Token, { value: string }>;
    if (path.length < 2 || last.type !== "word" || !isAggregate(last.value)) {
      return reader.fail(`"." and an aggregate: ${aggregates.join(", ")}; a metric with other characters stands in double quotes`);
    }
    return { name, key: keyOf(path.slice(0, -1)), aggregate: last.value };
  }

  function comparison(): Filter {
    const { column } = reader.peek();
    if (++comparisons > filterLimits.comparisonsMax)
      throw new FilterError(
        column,
        `there are more than ${filterLimits.comparisonsMax} comparisons. Use "in" for many values of one field.`,
      );
    const of = field();
    const type: FieldType = fields[of.name].type;
    const known = operatorsOf[type];
    const operatorAt = reader.peek();
    const isNegated = reader.keyword("not");
    const operator = reader.operator();
    if (operator === undefined || (isNegated && operator !== "in" && operator !== "like")) {
      return reader.fail(isNegated ? '"in" or "like" after "not"' : `an operator: ${known.join(", ")}`);
    }
    if (!known.includes(operator)) {
      throw new FilterError(
        operatorAt.column,
        `${of.name} is ${kindOf[type]} and does not know ${operator}. It knows ${known.join(", ")}.`,
      );
    }
    const plain = rest(of, type, operator);
    return isNegated ? { kind: "not", of: plain } : plain;
  }

  function rest(of: Field, type: FieldType, operator: Operator): Filter {
    if (operator === "in") return { kind: "in", field: of, values: list(type) };
    if (operator === "like" || operator === "~") return matching(of, operator);
    const token = reader.peek();
    const value = literal(type);
    if (isOrder(operator) && value.type !== "number" && value.type !== "time" && value.type !== "now" && value.type !== "duration") {
      throw new FilterError(token.column, `${operator} compares numbers here. For texts and flags use =, !=, in, like or ~.`);
    }
    return { kind: "compare", field: of, operator, value };
  }

  function matching(of: Field, operator: "like" | "~"): Filter {
    const token = reader.peek();
    if (token.type !== "text") return reader.fail("a pattern in double quotes");
    reader.next();
    const kind = operator === "~" ? "regex" : "like";
    const fault = kind === "regex" ? faultOfRegex(token.value) : faultOfLength(token.value);
    if (fault !== undefined) throw new FilterError(token.column, fault);
    return { kind, field: of, pattern: token.value };
  }

  function list(type: FieldType): Literal[] {
    if (!reader.symbol("[")) return reader.fail('"[" and a list, as in ["a", "b"]');
    const values: Literal[] = [];
    do {
      const token = reader.peek();
      const value = literal(type);
      if (value.type === "absent") throw new FilterError(token.column, "null cannot stand in a list. Ask for it with = null.");
      if (value.type !== (values[0]?.type ?? value.type))
        throw new FilterError(token.column, `the list began with a ${values[0]?.type}; this is a ${value.type}.`);
      if (values.push(value) > filterLimits.listMax)
        throw new FilterError(token.column, `the list is longer than ${filterLimits.listMax}.`);
    } while (reader.symbol(","));
    if (!reader.symbol("]")) reader.fail('"," or "]"');
    return values;
  }

  function literal(type: FieldType): Literal {
    const token = reader.peek();
    const value = literalOfToken(token, type);
    if (value === undefined) return reader.fail(literalOf[type]);
    reader.next();
    return value;
  }

  return { reader, filter, field };
}

const kindOf: Readonly<Record<FieldType, string>> = {
  text: "a text",
  state: "a state",
  set: "a set of texts",
  time: "a moment",
  duration: "a duration",
  flag: "true or false",
  number: "a number",
  any: "of any type",
};

const keyOf = (path: readonly { readonly value: string }[]): string => path.map(({ value }) => value).join(".");
const isAggregate = (word: string): word is Aggregate => (aggregates as readonly string[]).includes(word);
const isOrder = (operator: Operator): boolean => operator.startsWith("<") || operator.startsWith(">");
