// One configuration for every room's tests. Tests import sources, as everything here does (condition "source"), and
// each file has a process of its own: they start servers, kill processes and count open handles.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

const long = process.env["GRADWATCH_TEST_LONG"] === "1";
const ownFolder = (what: string): string => mkdtempSync(join(tmpdir(), `gradwatch-${what}-`));
const conditions = ["source"];

const tests = ["{proto,server,web,test}/**/*.test.{ts,tsx}", "sdk/typescript/test/**/*.test.ts"];
const onTfjsNode = "sdk/typescript/test/tfjs-node/**/*.test.ts";
// Soaks, fuzzing and big corpora: `npm run test:long`.
const exclude = ["**/node_modules/**", "**/dist/**", ...(long ? [] : ["**/*.long.test.*"])];
// Runs and servers that tests start must not meet those of the user.
const env = { GRADWATCH_CAPTURE: "off", GRADWATCH_SPOOL: ownFolder("spool"), GRADWATCH_KEYS: ownFolder("keys") };
const authorized = "./test/processes/authorized-fetch.ts";

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    pool: "forks",
    execArgv: ["--conditions=source"],
    maxWorkers: 2,
    // Guards against a hang; nothing is measured by it.
    testTimeout: long ? 1_800_000 : 120_000,
    hookTimeout: 120_000,
    // A poll waits for something to happen, not for how fast: its default of a second fails on busy machines.
    expect: { poll: { timeout: 20_000 } },
    reporters: [["default", { summary: false }], "./test/reporter.ts"],
    projects: [
      { extends: true, test: { name: "tests", include: tests, exclude: [...exclude, onTfjsNode], setupFiles: authorized, env } },
      {
        // The TensorFlow.js adapter once more, on TensorFlow's C library.
        extends: true,
        test: {
          name: "tfjs-node",
          include: ["sdk/typescript/test/tfjs/**/*.test.ts", onTfjsNode],
          exclude,
          setupFiles: "sdk/typescript/test/tfjs-node/on-tfjs-node.ts",
          // Warnings and errors only; TensorFlow greets on stderr.
          env: { ...env, GRADWATCH_TFJS_BACKEND: "tensorflow", TF_CPP_MIN_LOG_LEVEL: "1" },
        },
      },
    ],
  },
});
