// The last words of a test run: every skipped test with its reason, and a last line that machines read:
// "N passed, N failed, N skipped". A skip without a reason counts as a failure, for it could hide anything.

import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node";

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Reasons that begin with this word name what the tests need, as "browser: no executable found". */
const NEED = /^([a-z-]+):/;

export default class TallyReporter implements Reporter {
  /** Tests picked by name: the others are skipped by vitest, without a reason, and are nobody's business. */
  #picking = false;

  onInit(vitest: Vitest): void {
    this.#picking = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const broken = modules.filter((module) => module.errors().length > 0 || module.children.size === 0).length;
    const skipped = tests.filter((test) => test.result().state === "skipped" && !(this.#picking && reasonOf(test) === undefined));
    const forbidden = forbiddenSkips(skipped);
    const tally: Tally = {
      passed: tests.filter((test) => test.result().state === "passed").length,
      failed: tests.filter((test) => test.result().state === "failed").length + broken + forbidden.length,
      skipped: skipped.length - forbidden.length,
    };
    if (tally.failed > 0) process.exitCode = 1;
    for (const line of skipLines(
      skipped.filter((test) => !forbidden.includes(test)),
      "skipped",
    ))
      console.log(line);
    for (const line of skipLines(forbidden, "FAILED, skipping it is forbidden")) console.log(line);
    // Written once everything else has been: the last line of the run.
    process.once("exit", () => process.stdout.write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`));
  }
}

/** GRADWATCH_FORBID_SKIP=browser,container: tests whose skip reason begins so must run. */
function forbiddenSkips(skipped: readonly TestCase[]): TestCase[] {
  const forbidden = new Set((process.env["GRADWATCH_FORBID_SKIP"] ?? "").split(",").filter((need) => need !== ""));
  return skipped.filter((test) => {
    const reason = reasonOf(test);
    return reason === undefined || forbidden.has(NEED.exec(reason)?.[1] ?? "");
  });
}

function skipLines(tests: readonly TestCase[], what: string): string[] {
  const byReason = Map.groupBy(tests, (test) => reasonOf(test) ?? "no reason given");
  return [...byReason].map(([reason, of]) => {
    const files = new Set(of.map((test) => test.module.relativeModuleId));
    return `${what}: ${of.length} in ${[...files].join(", ")}: ${reason}`;
  });
}

function reasonOf(test: TestCase): string | undefined {
  const result = test.result();
  return result.state === "skipped" && result.note !== undefined && result.note !== "" ? result.note : undefined;
}
