// Who makes a gRPC call, and what it may do with runs: a key writes to the runs that it opened, and to those whose token it was
// given; that is remembered with the run, so that any server knows.

import { type Metadata, status } from "@grpc/grpc-js";
import { type Access, type AuthFailure, bearerOf, isFailure } from "../auth/access.ts";
import { hashOf } from "../auth/api-key.ts";
import { decide, decideRun, type Forbidden } from "../auth/authorize.ts";
import type { KeyState } from "../auth/keyring.ts";
import type { Principal } from "../auth/principal.ts";
import type { KnownRun, KnownRuns, RunWriter } from "./known-run.ts";

/** Ends a call with a status. */
export class CallRefused extends Error {
  override readonly name = "CallRefused";
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Caller {
  /** @throws CallRefused unless this call may be made for the project. */
  requireProject(project: string): void;
  /** @throws CallRefused unless the key may write to the run. A right token lets it in, for good. */
  requireRun(run: KnownRun, token?: string): Promise<void>;
  /** As which it opens a run. */
  writerOf(project: string, run: string): RunWriter;
  /** For other keys: lets them write to the run. */
  tokenOf(project: string, run: string): string;
  /** Calls `ended` once when the key ends; returns how to take it back. */
  watch(ended: (state: KeyState) => void): () => void;
}

export interface CallerOptions {
  readonly access: Access;
  readonly runs: KnownRuns;
  /** Believe a proxy about where a call comes from. */
  readonly behindProxy: boolean;
  /** Counts what was refused. */
  readonly accessRefused: (reason: AuthFailure["reason"] | Forbidden["reason"]) => void;
}

interface Call {
  readonly metadata: Metadata;
  getPeer(): string;
}

/** @throws CallRefused when the key is none, or may not make such a call at all. */
export async function callerOf(call: Call, rpc: string, options: CallerOptions): Promise<Caller> {
  const { access, accessRefused } = options;
  const who = await access.authenticate(keyOf(call), addressOf(call, options.behindProxy));
  if (isFailure(who)) {
    accessRefused(who.reason);
    throw new CallRefused(who.reason === "too-many" ? status.RESOURCE_EXHAUSTED : status.UNAUTHENTICATED, who.message);
  }
  const action = `rpc ${rpc}`;
  const require = (forbidden: Forbidden | undefined): void => {
    if (forbidden === undefined) return;
    accessRefused(forbidden.reason);
    throw new CallRefused(status.PERMISSION_DENIED, forbidden.message);
  };
  require(decide(action, who));
  return {
    requireProject: (project) => require(decide(action, who, project)),
    requireRun: async (run, token) => require(await decideEntry(who, run, token, options)),
    writerOf: (project, run) => ({ key: who.key, token: hashOf(who.runToken(project, run)) }),
    tokenOf: (project, run) => who.runToken(project, run),
    watch: (ended) => access.watch(who, ended),
  };
}

async function decideEntry(
  who: Principal,
  run: KnownRun,
  token: string | undefined,
  { access, runs }: CallerOptions,
): Promise<Forbidden | undefined> {
  const decideNow = (): Forbidden | undefined => decideRun(who, run.writers, `${run.project}/${run.id}`);
  if (decideNow() === undefined) return undefined;
  // Another server may have let it in since.
  await runs.reloadWriters(run);
  if (decideNow() === undefined || token === undefined || token === "") return decideNow();
  const hash = hashOf(token);
  const giver = [...run.writers].find(([, stored]) => stored === hash)?.[0];
  if (giver === undefined || access.keyring.stateOf(giver) !== "active") return decideNow();
  await runs.letIn(run, { key: who.key, token: hashOf(who.runToken(run.project, run.id)) });
  return decideNow();
}

/** Metadata that is no bearer token is a wrong key. */
function keyOf({ metadata }: Call): string | undefined {
  const [given] = metadata.get("authorization");
  return given === undefined ? undefined : (bearerOf(String(given)) ?? String(given));
}

function addressOf(call: Call, behindProxy: boolean): string {
  const told = behindProxy
    ? String(call.metadata.get("x-forwarded-for").at(-1) ?? "")
        .split(",")
        .at(-1)
        ?.trim()
    : undefined;
  return told || call.getPeer().replace(/:\d+$/, "");
}
