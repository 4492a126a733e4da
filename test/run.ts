// `npm test [-- FILTER…]`: runs vitest. With --long also the files named *.long.test.ts. Filters are parts of file
// paths; `-t PATTERN` picks tests by name, `--project tfjs-node` those of one project of the configuration.

import { parseArgs } from "node:util";
import { startVitest } from "vitest/node";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    long: { type: "boolean", default: false },
    project: { type: "string", multiple: true, default: [] },
    testNamePattern: { type: "string", short: "t" },
  },
});
if (values.long) process.env["GRADWATCH_TEST_LONG"] = "1";
const { project, testNamePattern } = values;
const vitest = await startVitest("test", positionals, {
  watch: false,
  project,
  ...(testNamePattern === undefined ? {} : { testNamePattern }),
});
await vitest.close();
