// Any well-typed filter, for properties: every field, operator and kind of literal, with names and texts that are
// likely to meet the data of a test and some that are hostile.

import fc from "fast-check";
import { type FieldName, fields, type FieldType, states } from "../../src/filter/fields.ts";
import { aggregates, type Field, type Filter, type Literal } from "../../src/filter/tree.ts";

export const keys = ["lr", "optimizer.name", "weight-decay", "in", "now", "a b", 'q"\\\n', "ü", "", "7d"];
export const factKeys = ["plannedSteps", "lossKind", "sanityRun", "augmentation", "nothing"];
export const metrics = ["loss", "val/acc", "max", "step/loss"];
export const words = ["", "a", "prod", "Prod", "b%_", "exploding-gradient", "x\ny", "ü🙂", 'q"\\', "true", "1"];
export const numbers = [-1, 0, -0, 0.1, 1, 2, 3, 1e21, 1e-7, Infinity, -Infinity, NaN];

/** Plain objects, as the parser makes them. */
const record = <Model extends object>(model: { [Key in keyof Model]: fc.Arbitrary<Model[Key]> }): fc.Arbitrary<Model> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<Model>;

const text = fc.oneof(
  fc.constantFrom(...words),
  fc.string({ unit: "grapheme", maxLength: 8 }).filter((one) => one.isWellFormed()),
);
const number = fc.oneof(fc.constantFrom(...numbers), fc.double());
const durationMs = fc.oneof(
  fc.constantFrom(0, 1, 1500, 90_000, 3_600_000, 604_800_000),
  fc.double({ min: 0, max: 1e15, noNaN: true }).map(Math.abs),
);
const patterns = ["a", "^a|b$", "(?i)PROD", ".", "x.y", "[^a-c]+", "\\pL🙂", "^$", "(a*)*b", "\\Q%_\\E"];

const names = Object.keys(fields) as FieldName[];
export const arbitraryField: fc.Arbitrary<Field> = fc.constantFrom(...names).chain((name): fc.Arbitrary<Field> => {
  if (name === "fact") return fc.constantFrom(...factKeys).map((key) => ({ name, key }));
  if (name === "config") return fc.constantFrom(...keys).map((key) => ({ name, key }));
  if (name !== "summary") return fc.constant({ name });
  return record({ name: fc.constant(name), key: fc.constantFrom(...metrics), aggregate: fc.constantFrom(...aggregates) });
});

const literalOf: Readonly<Record<FieldType, readonly fc.Arbitrary<Literal>[]>> = {
  text: [text.map((value) => ({ type: "text", value }))],
  set: [text.map((value) => ({ type: "text", value }))],
  state: [fc.constantFrom(...states).map((value) => ({ type: "text", value }))],
  number: [number.map((value) => ({ type: "number", value }))],
  flag: [fc.boolean().map((value) => ({ type: "flag", value }))],
  duration: [durationMs.map((ms) => ({ type: "duration", ms }))],
  time: [
    fc.integer({ min: 1_759_990_000, max: 1_760_010_000 }).map((seconds) => ({ type: "time", ms: seconds * 1000 })),
    fc.tuple(fc.constantFrom(-1, 1), durationMs).map(([sign, ms]) => ({ type: "now", offsetMs: ms === 0 ? 0 : sign * ms })),
  ],
  any: [
    text.map((value) => ({ type: "text", value })),
    number.map((value) => ({ type: "number", value })),
    fc.boolean().map((value) => ({ type: "flag", value })),
  ],
};

const absent: fc.Arbitrary<Literal> = fc.constant({ type: "absent" });
const isOrdered = (type: string): boolean => ["number", "time", "now", "duration"].includes(type);

const leaf: fc.Arbitrary<Filter> = arbitraryField.chain((field): fc.Arbitrary<Filter> => {
  const type = fields[field.name].type;
  const one = fc.oneof(...literalOf[type]);
  const choices: fc.Arbitrary<Filter>[] = [
    record({
      kind: fc.constant("compare"),
      field: fc.constant(field),
      operator: fc.constantFrom("=", "!="),
      value: fc.oneof({ arbitrary: one, weight: 4 }, { arbitrary: absent, weight: 1 }),
    }),
  ];
  if (["number", "time", "duration", "any"].includes(type)) {
    const value = one.filter((literal) => isOrdered(literal.type));
    choices.push(
      record({ kind: fc.constant("compare"), field: fc.constant(field), operator: fc.constantFrom("<", "<=", ">", ">="), value }),
    );
  }
  if (!["time", "duration", "flag"].includes(type)) {
    const lists = literalOf[type].map((of) => fc.array(of, { minLength: 1, maxLength: 4 }));
    choices.push(record({ kind: fc.constant("in"), field: fc.constant(field), values: fc.oneof(...lists) }));
  }
  if (["text", "state", "set", "any"].includes(type)) {
    choices.push(
      record({
        kind: fc.constant("like"),
        field: fc.constant(field),
        pattern: fc.oneof(text, fc.constantFrom("%", "a%", "%d", "_", "p_od", "b\\%\\_", "%\\")),
      }),
    );
    choices.push(record({ kind: fc.constant("regex"), field: fc.constant(field), pattern: fc.constantFrom(...patterns) }));
  }
  return fc.oneof(...choices);
});

export const { filter: arbitraryFilter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    leaf,
    record({ kind: fc.constant("not"), of: tie("filter") }) as fc.Arbitrary<Filter>,
    record({ kind: fc.constantFrom("and", "or"), of: fc.array(tie("filter"), { minLength: 2, maxLength: 3 }) }) as fc.Arbitrary<Filter>,
  ),
}));
