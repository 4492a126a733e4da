// `npm run check`: everything that can be told without running the program. All checks run, each prints one line, the
// output of those that fail follows, and the exit code is 1 if any did.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import color from "picocolors";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Check {
  readonly name: string;
  /** The complaint, or undefined. */
  readonly run: () => string | undefined;
}

const checks: readonly Check[] = [
  // Incremental builds miss new files with old times.
  { name: "types", run: command("tsc", "-b", "--force") },
  { name: "lint", run: command("oxlint", "--type-aware", "--quiet") },
  { name: "format", run: command("oxfmt", "--check", ".") },
  { name: "dead code", run: command("knip") },
  { name: "proto style", run: command("npm", "run", "-s", "lint", "-w", "@gradwatch/proto") },
  { name: "generated code", run: generatedCodeIsFresh },
];

/** Regenerates in place: what is stale is then right, and waits to be committed. */
function generatedCodeIsFresh(): string | undefined {
  const before = contentOf(join(root, "proto/gen"));
  const complaint = command("npm", "run", "-s", "gen")();
  if (complaint !== undefined) return complaint;
  return contentOf(join(root, "proto/gen")) === before
    ? undefined
    : "proto/gen was not what proto/gradwatch generates. It is now: commit it.";
}

function contentOf(folder: string): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) hash.update(file.name).update(readFileSync(join(file.parentPath, file.name)));
  }
  return hash.digest("hex");
}

function command(program: string, ...args: string[]): () => string | undefined {
  return () => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, encoding: "utf8" });
    return status === 0 ? undefined : (error?.message ?? `${stdout}${stderr}`);
  };
}

const complaints: string[] = [];
for (const { name, run } of checks) {
  const complaint = run();
  console.log(complaint === undefined ? `${color.green("✓")} ${name}` : `${color.red("✗")} ${name}`);
  if (complaint !== undefined) complaints.push(`\n${color.bold(name)}\n${complaint}`);
}
console.log(complaints.join("\n"));
process.exitCode = complaints.length === 0 ? 0 : 1;
