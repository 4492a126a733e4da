// One configuration for every room's tests. Tests import sources, as everything here does (condition "source"), and
// each file has a process of its own: they start servers, kill processes and count open handles.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

const long = process.env["GRADWATCH_TEST_LONG"] === "1";
const ownFolder = (what: string): string => mkdtempSync(join(tmpdir(), `gradwatch-${what}-`));
const conditions = ["source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["{proto,server,web,test}/**/*.test.{ts,tsx}", "sdk/typescript/test/**/*.test.ts"],
    // Soaks, fuzzing and big corpora: `npm run test:long`.
    exclude: ["**/node_modules/**", "**/dist/**", ...(long ? [] : ["**/*.long.test.*"])],
    pool: "forks",
    execArgv: ["--conditions=source"],
    maxWorkers: 2,
    // Runs and servers that tests start must not meet those of the user.
    env: { GRADWATCH_CAPTURE: "off", GRADWATCH_SPOOL: ownFolder("spool"), GRADWATCH_KEYS: ownFolder("keys") },
    setupFiles: ["./test/processes/authorized-fetch.ts"],
    // Guards against a hang; nothing is measured by it.
    testTimeout: long ? 1_800_000 : 120_000,
    hookTimeout: 120_000,
    reporters: [["default", { summary: false }], "./test/reporter.ts"],
  },
});
