// The README's map from rules to fields: every field that it names exists.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { allMessages } from "./vectors.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const map = readme.slice(readme.indexOf("| rule | fields |"));
const named = [...new Set(map.match(/`[A-Z]\w+\.[a-z_0-9]+`/g))].map((text) => text.slice(1, -1));

test("the map names fields", () => {
  expect(named.length).toBeGreaterThan(30);
});

test.each(named)("%s is in the contract", (path) => {
  const [message, field] = path.split(".") as [string, string];
  const schema = allMessages.find(({ name }) => name === message);
  expect(schema?.fields.map(({ name }) => name)).toContain(field);
});
