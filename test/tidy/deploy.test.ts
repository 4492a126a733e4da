// What the container files name is there: variables that the server reads, and paths of the repository.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { configKeys, variableOf } from "../../server/src/config.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const files = ["Dockerfile", "deploy/compose.yaml", "deploy/health.mjs", "docs/deploy.md"];

test.each(files)("%s names only variables that are read", (file) => {
  const named = readFileSync(join(root, file), "utf8").match(/GRADWATCH_[A-Z_]+/g) ?? [];
  const known = new Set([...configKeys.map(variableOf), "GRADWATCH_KEYS"]);
  expect(named.length).toBeGreaterThan(1);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test("the Dockerfile copies only what is in the repository or was built", () => {
  const copies = [...readFileSync(join(root, "Dockerfile"), "utf8").matchAll(/^COPY (--from=\w+ )?(.+) \S+$/gm)];
  const sources = copies.flatMap(([, stage, given]) =>
    stage === undefined ? (given as string).split(" ") : [(given as string).replace(/^\/(src|app)\//, "")],
  );
  const built = /^(node_modules|[a-z]+\/(dist|page))$/;
  expect(sources.length).toBeGreaterThan(8);
  expect(sources.filter((path) => !built.test(path) && !existsSync(join(root, path)))).toEqual([]);
});
