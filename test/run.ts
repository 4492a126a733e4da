// `npm test [-- FILTER…]`: runs vitest. With --long also the files named *.long.test.ts. Filters are parts of file
// paths; `-t PATTERN` picks tests by name.

import { parseArgs } from "node:util";
import { startVitest } from "vitest/node";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { long: { type: "boolean", default: false }, testNamePattern: { type: "string", short: "t" } },
});
if (values.long) process.env["GRADWATCH_TEST_LONG"] = "1";
const pattern = values.testNamePattern;
const vitest = await startVitest("test", positionals, { watch: false, ...(pattern === undefined ? {} : { testNamePattern: pattern }) });
await vitest.close();
