// The language of filters: what texts mean, that trees survive being printed, and what is said about texts that are none.

import fc from "fast-check";
import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { FilterError } from "../../src/filter/filter-error.ts";
import { parseField, parseFields, parseFilter } from "../../src/filter/parse.ts";
import { regexFlags, regexOfLike } from "../../src/filter/patterns.ts";
import { printField, printFilter } from "../../src/filter/print.ts";
import { arbitraryField, arbitraryFilter } from "./arbitrary-filter.ts";

test("any tree prints, and parses back to itself", () => {
  fc.assert(
    fc.property(arbitraryFilter, (filter) => {
      expect(parseFilter(printFilter(filter))).toStrictEqual(filter);
    }),
    { numRuns: 3_000 },
  );
});

test("any field prints, and parses back to itself, alone and in a list", () => {
  fc.assert(
    fc.property(fc.array(arbitraryField, { minLength: 1, maxLength: 5 }), (fields) => {
      expect(parseFields(fields.map(printField).join(","))).toStrictEqual(fields);
      expect(fields.map((field) => parseField(` ${printField(field)} `))).toStrictEqual(fields);
    }),
  );
});

test("any text is a filter or a FilterError whose column lies in it", () => {
  const piece = fc.constantFrom(
    "name",
    "config",
    ".",
    "lr",
    "=",
    "<",
    '"a"',
    '"',
    "(",
    ")",
    "[",
    "]",
    ",",
    "not",
    "and",
    "in",
    "like",
    "~",
    "1",
    "now",
    "-",
    "7d",
    "é",
    "\\",
    " ",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece, { maxLength: 12 }).map((all) => all.join("")),
        fc.string({ unit: "binary" }),
      ),
      (text) => {
        try {
          const filter = parseFilter(text);
          expect(parseFilter(printFilter(filter))).toStrictEqual(filter);
        } catch (error) {
          expect(error).toBeInstanceOf(FilterError);
          expect((error as FilterError).column).toBeGreaterThanOrEqual(1);
          expect((error as FilterError).column).toBeLessThanOrEqual(text.length + 1);
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

const field = (name: string) => ({ name });
const compare = (of: object, operator: string, value: object) => ({ kind: "compare", field: of, operator, value });

test("the example of the documentation", () => {
  expect(parseFilter('config.lr < 0.01 and summary."val/acc".max > 0.9 and alert = "exploding-gradient" and tag in ["prod"]')).toEqual({
    kind: "and",
    of: [
      compare({ name: "config", key: "lr" }, "<", { type: "number", value: 0.01 }),
      compare({ name: "summary", key: "val/acc", aggregate: "max" }, ">", { type: "number", value: 0.9 }),
      compare(field("alert"), "=", { type: "text", value: "exploding-gradient" }),
      { kind: "in", field: field("tag"), values: [{ type: "text", value: "prod" }] },
    ],
  });
});

test.each([
  { text: "created > now-7d", value: { type: "now", offsetMs: -604_800_000 } },
  { text: "created > now - 1.5h", value: { type: "now", offsetMs: -5_400_000 } },
  { text: "created > NOW", value: undefined },
  { text: 'created > "2026-01-31"', value: { type: "time", ms: Date.UTC(2026, 0, 31) } },
  { text: 'created > "2026-01-31T10:30+02:00"', value: { type: "time", ms: Date.UTC(2026, 0, 31, 8, 30) } },
  { text: 'created > "2026-02-31"', value: undefined },
  { text: "duration > 90m", value: { type: "duration", ms: 5_400_000 } },
  { text: "summary.loss.last > -inf", value: { type: "number", value: -Infinity } },
])("$text compares with $value", ({ text, value }) => {
  const parsed = (): unknown => (parseFilter(text) as { value?: unknown }).value;
  if (value === undefined) expect(parsed).toThrow(FilterError);
  else expect(parsed()).toEqual(value);
});

test("and binds before or, not before and; keywords in any case", () => {
  const [a, b, c] = ["a", "b", "c"].map((value) => compare(field("name"), "=", { type: "text", value }));
  expect(parseFilter('NOT name = "a" AND name = "b" Or name = "c"')).toEqual({
    kind: "or",
    of: [{ kind: "and", of: [{ kind: "not", of: a }, b] }, c],
  });
  expect(parseFilter('name not in ["a"] and name not like "a"')).toEqual({
    kind: "and",
    of: [
      { kind: "not", of: { kind: "in", field: field("name"), values: [{ type: "text", value: "a" }] } },
      { kind: "not", of: { kind: "like", field: field("name"), pattern: "a" } },
    ],
  });
});

test.each([
  { text: "", column: 1, says: "expected a field: name, id" },
  { text: "nam = 1", column: 1, says: "found nam" },
  { text: "name", column: 5, says: "expected an operator: =, !=, in, like, ~; found the end" },
  { text: 'name < "a"', column: 6, says: "name is a text and does not know <" },
  { text: "name = 1", column: 8, says: "expected a text in double quotes" },
  { text: "name = 'a'", column: 8, says: "double quotes" },
  { text: 'name = "a', column: 8, says: "does not end" },
  { text: 'name = "\\x"', column: 8, says: "bad escape" },
  { text: 'name = "a" name', column: 12, says: 'expected "and", "or" or the end; found name' },
  { text: '(name = "a"', column: 12, says: 'expected ")"' },
  { text: 'state = "done"', column: 9, says: 'one of "running", "finished"' },
  { text: "config = 1", column: 8, says: 'expected "." and a key' },
  { text: "config.lr < true", column: 13, says: "compares numbers" },
  { text: "summary.loss > 1", column: 14, says: "an aggregate: last, first, min" },
  { text: "duration > 5", column: 12, says: "expected a duration with its unit" },
  { text: "duration > 5y", column: 12, says: "Units are w, d, h, m, s, ms" },
  { text: "created > 7d", column: 11, says: "expected a moment" },
  { text: "pinned in [true]", column: 8, says: "does not know in" },
  { text: 'config.a in [1, "b"]', column: 17, says: "began with a number" },
  { text: "tag in []", column: 9, says: "expected a text" },
  { text: 'name ~ "(a"', column: 8, says: "not one of RE2" },
  { text: 'name ~ "(?=a)"', column: 8, says: "no look-around" },
  { text: 'name ~ "(((a{100}){10}){10})"', column: 8, says: "is not one of RE2" },
  { text: 'name ~ "\\\\pL{900}"', column: 8, says: "" },
  { text: "name = #", column: 8, says: "means nothing here" },
  { text: `${"(".repeat(40)}name`, column: 33, says: "nested" },
  { text: "step > 1 or ".repeat(101), column: 1201, says: "more than 100 comparisons" },
  { text: `step in [${"1, ".repeat(501)}1]`, column: 1510, says: "longer than 500" },
  { text: `name = "${"a".repeat(5000)}"`, column: 4001, says: "the limit is 4000" },
])("$text is no filter, at column $column", ({ text, column, says }) => {
  if (says === "") {
    expect(parseFilter(text)).toMatchObject({ kind: "regex" });
    return;
  }
  let error: unknown;
  try {
    parseFilter(text);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(FilterError);
  expect((error as FilterError).message).toContain(says);
  expect((error as FilterError).column).toBe(column);
});

test.each([
  { pattern: "pro%", matches: ["pro", "prod", "pro\nd"], not: ["apro", "Prod"] },
  { pattern: "a_c", matches: ["abc", "a🙂c", "a\nc"], not: ["ac", "abbc"] },
  { pattern: "100\\%", matches: ["100%"], not: ["1000"] },
  { pattern: "a.c\\", matches: ["a.c\\"], not: ["abc\\"] },
  { pattern: "", matches: [""], not: ["a"] },
])("like $pattern takes the whole text", ({ pattern, matches, not }) => {
  const regex = RE2JS.compile(regexOfLike(pattern), regexFlags);
  expect(matches.filter((text) => !regex.matcher(text).find())).toEqual([]);
  expect(not.filter((text) => regex.matcher(text).find())).toEqual([]);
});
