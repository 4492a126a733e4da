// Where and from what the run was started, as far as it can be told at once; what takes a moment (git, accelerators) follows
// as an event.

import { execFile } from "node:child_process";
import { cpus, hostname, totalmem } from "node:os";
import { basename } from "node:path";
import { promisify } from "node:util";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type RunEnvironment, RunEnvironmentSchema } from "@gradwatch/proto";
import { redactArguments, redactText } from "../redact.ts";

const execute = promisify(execFile);
const COMMAND_TIMEOUT_MS = 5_000;
const ARGUMENTS_MAX = 256;
const ARGUMENT_LENGTH_MAX = 1_024;

export function describeMachine(): RunEnvironment {
  return create(RunEnvironmentSchema, {
    host: hostname(),
    pid: process.pid,
    commandLine: redactArguments([basename(process.execPath), ...process.execArgv, ...process.argv.slice(1)].slice(0, ARGUMENTS_MAX)).map(
      (argument) => argument.slice(0, ARGUMENT_LENGTH_MAX).toWellFormed(),
    ),
    versions: { node: process.versions.node },
    cpuCount: cpus().length,
    memoryBytes: BigInt(totalmem()),
  });
}

/** Commit, whether tracked files differ from it, and the remote without credentials; undefined: no repository, or no git. */
export async function describeRepository(folder: string): Promise<MessageInitShape<typeof RunEnvironmentSchema> | undefined> {
  const git = async (...given: string[]): Promise<string> => {
    // No locks: we only look.
    const { stdout } = await execute("git", ["--no-optional-locks", ...given], {
      cwd: folder,
      timeout: COMMAND_TIMEOUT_MS,
      windowsHide: true,
    });
    return stdout;
  };
  try {
    const status = await git("status", "--porcelain=v2", "--branch", "--untracked-files=no");
    const lines = status.split("\n").filter((line) => line !== "");
    const commit = /^# branch\.oid ([\da-f]{40,64})$/m.exec(status)?.[1] ?? "";
    const remote = await git("config", "--get", "remote.origin.url").catch(() => "");
    return { gitCommit: commit, gitDirty: lines.some((line) => !line.startsWith("#")), gitRemote: redactText(remote.trim()) };
  } catch {
    return undefined;
  }
}
