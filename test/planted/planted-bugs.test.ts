// Tests of the tests: bugs of the kind that lose or double points, planted into a copy of the SDK one at a time. The tests that
// stand for the promise must fail, and pass on the copy without a bug.

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const execute = promisify(execFile);
const sdk = fileURLToPath(new URL("../../sdk/typescript/", import.meta.url));

interface Planted {
  readonly bug: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly caughtBy: string;
}

const bugs: readonly Planted[] = [
  {
    bug: "the tail moves when a batch is sent, not when it is acknowledged",
    file: "sender.ts",
    from: "else stream.write(batchRequest(batch));",
    to: "else { stream.write(batchRequest(batch)); outbox.settle(waiting.seq); }",
    caughtBy: "simulation",
  },
  {
    bug: "the checksum of a record is not looked at",
    file: "spool/record.ts",
    from: "!== view.getUint32(at + 12, true)) return undefined;",
    to: "!== view.getUint32(at + 12, true)) void 0;",
    caughtBy: "records",
  },
  {
    bug: "the last flush of finish() is dropped",
    file: "run-session.ts",
    from: "noteDrops();\n      close();\n      const closing",
    to: "noteDrops();\n      const closing",
    caughtBy: "delivery",
  },
  {
    bug: "NaN is swallowed",
    file: "scalar-columns.ts",
    from: "shape.values[at] = values[i] as number;",
    to: "shape.values[at] = (values[i] as number) || 0;",
    caughtBy: "hostile-input",
  },
  {
    bug: "every process has the same producer id",
    file: "open-request.ts",
    from: "producer: environment.randomBytes(16),",
    to: "producer: new Uint8Array(16),",
    caughtBy: "simulation",
  },
  {
    bug: "a batch that is sent again is not the same bytes",
    file: "seal.ts",
    from: "ver: ver + shift }",
    to: "ver: ver + shift + BigInt(Math.floor(Math.random() * 1_000)) }",
    caughtBy: "delivery",
  },
  {
    bug: "versions stand still with the clock",
    file: "version-clock.ts",
    from: "now > last ? now : last + 1n",
    to: "now > last ? now : last",
    caughtBy: "version-clock",
  },
  {
    bug: "versions do not rise above what a run has",
    file: "seal.ts",
    from: "verMax >= firstVer ? verMax + 1n - firstVer : 0n",
    to: "0n",
    caughtBy: "simulation",
  },
  {
    bug: "a torn record is gone on behind",
    file: "spool/segments.ts",
    from: "end(kind);\n        throw error;",
    to: "throw error;",
    caughtBy: "simulation",
  },
  {
    bug: "an acknowledgement settles one batch too many",
    file: "spool/bounded-outbox.ts",
    from: "first.seq <= seq;",
    to: "first.seq <= seq + 1n;",
    caughtBy: "outbox",
  },
  {
    bug: "what is on its way is shed",
    file: "spool/bounded-outbox.ts",
    from: "entry.fixed = true;",
    to: "",
    caughtBy: "shedding",
  },
  {
    bug: "what is shed is not counted",
    file: "spool/bounded-outbox.ts",
    from: 'if (lost > 0) options.shed(kind, lost, "full");',
    to: "",
    caughtBy: "shedding",
  },
  {
    bug: "a rejected batch blocks the head",
    file: "spool/bounded-outbox.ts",
    from: "queue.remove(entry);\n      forget(entry);",
    to: "",
    caughtBy: "outbox",
  },
  {
    bug: "a key that is refused ends the run for good",
    file: "network.ts",
    from: "permanent: permanentCodes.has(code),",
    to: "permanent: permanentCodes.has(code) || keyCodes.has(code),",
    caughtBy: "delivery",
  },
  {
    bug: "a session begins when the server is reached",
    file: "run-session.ts",
    from: "request: { ...request, firstVer: firstVersion() },",
    to: "request,",
    caughtBy: "simulation",
  },
  {
    bug: "what was never sent is dated by when its session began",
    file: "spool/send-left.ts",
    from: "shift: shift ?? (request.resumeStep === undefined ? 0n : answered.shift)",
    to: "shift: answered.shift",
    caughtBy: "simulation",
  },
];

let folder: string;
beforeAll(() => {
  // Inside the room, so that the packages are found.
  folder = mkdtempSync(join(sdk, ".planted-"));
  for (const part of ["src", "test", "package.json"]) cpSync(join(sdk, part), join(folder, part), { recursive: true });
  const spool = JSON.stringify(join(folder, "spool"));
  writeFileSync(
    join(folder, "vitest.config.ts"),
    `const conditions = ["source"];
    export default {
      root: ${JSON.stringify(folder)},
      resolve: { conditions },
      ssr: { resolve: { conditions, externalConditions: conditions } },
      test: { include: ["test/**/*.test.ts"], pool: "forks", bail: 1, testTimeout: 120000, env: { GRADWATCH_CAPTURE: "off", GRADWATCH_SPOOL: ${spool} } },
    };`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function testsPass(filter: string): Promise<boolean> {
  const vitest = fileURLToPath(import.meta.resolve("vitest/package.json")).replace("package.json", "vitest.mjs");
  const { GRADWATCH_TEST_LONG: _long, ...env } = process.env;
  try {
    await execute(process.execPath, [vitest, "run", "--config", join(folder, "vitest.config.ts"), filter], { cwd: folder, env });
    return true;
  } catch (error) {
    const said = `${(error as { stdout: string }).stdout}${(error as { stderr: string }).stderr}`;
    // A test that failed, and not a copy that cannot be run.
    if (!/\d+ failed/.test(said)) throw error;
    return false;
  }
}

test.each([...new Set(bugs.map(({ caughtBy }) => caughtBy))])("without a bug, %s passes", async (filter) => {
  expect(await testsPass(filter)).toBe(true);
});

test.each(bugs)("$bug: $caughtBy fails", async ({ file, from, to, caughtBy }) => {
  const path = join(folder, "src", file);
  const sound = readFileSync(path, "utf8");
  // Exactly one place: a bug that is planted nowhere proves nothing.
  expect(sound.split(from)).toHaveLength(2);
  writeFileSync(path, sound.replace(from, to));
  try {
    expect(await testsPass(caughtBy)).toBe(false);
  } finally {
    writeFileSync(path, sound);
  }
});
