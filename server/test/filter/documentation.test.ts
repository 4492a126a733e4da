// The page of the language tells of every field, aggregate and operator, with an example that runs.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RunPage } from "../../src/api/schema-runs.ts";
import { fields, operatorsOf } from "../../src/filter/fields.ts";
import { aggregates } from "../../src/filter/tree.ts";
import { type ApiUnderTest, apiUnderTest } from "../api/api-under-test.ts";

const page = readFileSync(new URL("../../../docs/filter-language.md", import.meta.url), "utf8");
/** The first cell and the last of every row whose last cell is code. */
const rows = [...page.matchAll(/^\| (.+?) \|(?:.*\|)? `([^`]+)` \|$/gm)].map(([, first, example]) => ({
  first: first as string,
  example: example as string,
}));

let under: ApiUnderTest;
beforeAll(async () => {
  under = await apiUnderTest();
});
afterAll(() => under.close());

test("every field, aggregate and operator has a row", () => {
  const told = rows.flatMap(({ first }) => [...first.matchAll(/`([^`]+)`/g)].map(([, code]) => (code as string).replace(/\.[A-Z.]+$/, "")));
  expect(told).toEqual(expect.arrayContaining([...Object.keys(fields), ...aggregates, ...new Set(Object.values(operatorsOf).flat())]));
});

test.each([
  ...rows,
  ...[...page.matchAll(/(?:^```\n|: `)([^`]+?)(?:\n```|`[.;])/gm)].map(([, example]) => ({ first: "text", example: example as string })),
])("$example runs", async ({ example }) => {
  const asks = example.startsWith("sort=") || example.startsWith("columns=") ? example : `filter=${encodeURIComponent(example)}`;
  const { runs } = await under.get(`/api/v1/runs?${asks.replaceAll(" ", "%20")}`, RunPage);
  expect(runs).toEqual([]);
});
