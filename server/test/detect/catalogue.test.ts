// Every rule of the catalogue is whole: source, case table and page have its name, and the page tells all its options.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { rulePages } from "../../src/api/rule-pages.ts";
import { CATALOGUE } from "../../src/detect/catalogue.ts";

const root = new URL("../../../", import.meta.url);
const at = (path: string): string => fileURLToPath(new URL(path, root));

describe.each(CATALOGUE.map((rule) => ({ id: rule.id, rule })))("$id", ({ id, rule }) => {
  const pagePath = at(`docs/detectors/${id}.md`);

  test("has source, case table and page", () => {
    expect(
      [`server/src/detect/rules/${id}.ts`, `server/test/detect/${id}.test.ts`, `docs/detectors/${id}.md`].filter(
        (path) => !existsSync(at(path)),
      ),
    ).toEqual([]);
  });

  test("its page tells every option with default and range", () => {
    const page = readFileSync(pagePath, "utf8");
    for (const [name, option] of Object.entries(rule.options)) {
      expect(page).toContain(`| \`${name}\` | ${option.default} | ${option.min} to ${option.max} | ${option.documentation} |`);
    }
  });

  test.each(["## What it looks at", "## Options", "## When it stays silent", "## Do not trust it", "## What to try", "## Measured"])(
    "its page has the part %s",
    (heading) => {
      expect(readFileSync(pagePath, "utf8")).toContain(`\n${heading}`);
    },
  );

  test("the API serves its page", () => {
    expect(rulePages().find((page) => page.id === id)?.documentation).toBe(readFileSync(pagePath, "utf8"));
  });
});

test("ids are unique, and the overview lists every rule", () => {
  const ids = CATALOGUE.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const overview = readFileSync(at("docs/detectors/README.md"), "utf8");
  expect(ids.filter((id) => !overview.includes(`](${id}.md)`))).toEqual([]);
});
