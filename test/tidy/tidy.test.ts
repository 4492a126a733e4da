// The repository itself: what a reader may rely on in every file.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter((file) => file !== "" && existsSync(join(root, file)));
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const isSource = (file: string): boolean => /\.(ts|tsx|css)$/.test(file) && !file.startsWith("proto/gen/");
const sources = tracked.filter(isSource);
const documents = tracked.filter((file) => file.endsWith(".md"));

/** A file is one idea; the linter of ideas is its length. */
const LINES_MAX = 350;
const README_LINES_MAX = 150;
const BYTES_MAX = 400_000;

test("there is something to look at", () => {
  expect(sources.length).toBeGreaterThan(100);
});

test("no source is longer than one idea", () => {
  expect(sources.filter((file) => read(file).split("\n").length - 1 > LINES_MAX)).toEqual([]);
});

test("every source file of ours says what it is", () => {
  const silent = sources.filter(
    (file) => !/^(#!.*\n)?(\/\/|\/\*)/.test(read(file)) && !/\.test\.tsx?$/.test(file) && !file.endsWith("/index.ts"),
  );
  expect(silent).toEqual([]);
});

test("nothing is left for later without saying so where users read", () => {
  const marker = new RegExp(["TO", "DO|FIX", "ME|X", "XX|HA", "CK"].join(""));
  expect(sources.filter((file) => marker.test(read(file)))).toEqual([]);
});

test("no path of one machine, and no test that runs alone", () => {
  const machines = new RegExp(["/ho", "me/[a-z]|/Us", "ers/[a-z]|/wo", "rk/|\\.on", "ly\\("].join(""));
  expect(tracked.filter((file) => /\.(ts|tsx|md|json|css|proto|yaml)$/.test(file) && machines.test(read(file)))).toEqual([]);
});

test("the README is short, and nothing in the repository is large", () => {
  expect(read("README.md").split("\n").length - 1).toBeLessThanOrEqual(README_LINES_MAX);
  expect(tracked.filter((file) => statSync(join(root, file)).size > BYTES_MAX)).toEqual([]);
});

describe("documents", () => {
  test.each(documents)("%s links only to what is there", (file) => {
    const links = [...read(file).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target as string);
    const broken = links.filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(file), target)));
    expect(broken).toEqual([]);
  });

  test("name only npm scripts that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = documents.flatMap((file) =>
      [...read(file).matchAll(/npm run (?:-s )?([a-z][a-z:-]*)( -w)?/g)].flatMap(([, name, inRoom]) =>
        inRoom === undefined ? [name as string] : [],
      ),
    );
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

test("rooms keep their direction: each imports only what it may", () => {
  const allowed: Readonly<Record<string, readonly string[]>> = {
    "proto/": [],
    "sdk/typescript/src/": ["@gradwatch/proto"],
    "server/src/": ["@gradwatch/proto"],
    "web/src/": ["@gradwatch/server/api-types"],
  };
  const wrong = sources.flatMap((file) => {
    const room = Object.keys(allowed).find((prefix) => file.startsWith(prefix));
    if (room === undefined || file.includes("/test/")) return [];
    const imports = [...read(file).matchAll(/^(?:import |export |\} ).*from "(@gradwatch\/[^"]+|\.\.\/[^"]*)"/gm)].map(
      ([, target]) => target as string,
    );
    return imports
      .filter((target) => (target.startsWith("@") ? !allowed[room]?.includes(target) : !join(dirname(file), target).startsWith(room)))
      .map((target) => `${file} imports ${target}`);
  });
  expect(wrong).toEqual([]);
});

test("detect imports nothing outside itself, and touches no clock, disk or network", () => {
  const wrong = sources
    .filter((file) => file.startsWith("server/src/detect/"))
    .filter((file) => {
      const text = read(file);
      const outside = [...text.matchAll(/from "([^"]+)"/g)].some(
        ([, target]) => !join(dirname(file), target as string).startsWith("server/src/detect/") || !(target as string).startsWith("."),
      );
      return outside || /\bDate\.now\(|new Date\(|Math\.random\(|\bfetch\(|setTimeout\(/.test(text);
    });
  expect(wrong).toEqual([]);
});

test("the filter language imports nothing outside itself but its regular expressions", () => {
  const imports = sources
    .filter((file) => file.startsWith("server/src/filter/"))
    .flatMap((file) => [...read(file).matchAll(/from "([^"]+)"/g)].map(([, target]) => target as string));
  expect([...new Set(imports.filter((target) => !target.startsWith("./")))]).toEqual(["re2js"]);
});
