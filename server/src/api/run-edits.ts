// What users change about runs: edits are appended as events, deletion as a tombstone that can be taken back while its
// grace lasts. Nothing that a training said is overwritten.

import { randomBytes } from "node:crypto";
import { graceMs } from "../storage/queries/deleted-runs.ts";
import { lastTombstone } from "../storage/queries/run-identity.ts";
import { runKey } from "../storage/keys.ts";
import type { RunEdit } from "./fold-edits.ts";
import { requireRun } from "./deps.ts";
import { ProblemError } from "./problem.ts";
import type { ReadContext } from "./run-reader.ts";

/** This process among those that append events, as a training process is one. */
const producer = randomBytes(16).toString("hex");
let sequence = 0;
let verLast = 0n;

export async function appendEdit(project: string, id: string, edit: RunEdit, context: ReadContext): Promise<void> {
  const { run } = await requireRun(project, id, context);
  const now = BigInt(context.nowMs) * 1000n;
  verLast = verLast >= now ? verLast + 1n : now;
  await context.store.insertRows("run_events", [
    {
      run: run.toString(),
      kind: "edited",
      producer,
      sequence: sequence++,
      position: 0,
      rank: 0,
      step: null,
      time_ms: context.nowMs,
      ver: verLast.toString(),
      body: JSON.stringify(edit),
    },
  ]);
}

export async function deleteRun(project: string, id: string, context: ReadContext): Promise<void> {
  const { run } = await requireRun(project, id, context);
  await context.store.insertRows("tombstones", [{ run: run.toString(), time_ms: context.nowMs, deleted: 1 }]);
}

/** @throws ProblemError when it was not deleted, or too long ago. */
export async function undeleteRun(project: string, id: string, context: ReadContext): Promise<void> {
  const run = runKey(project, id);
  const [tombstone] = await context.store.read(lastTombstone, { run }, { signal: context.signal });
  if (tombstone === undefined || tombstone.deleted === 0) {
    await requireRun(project, id, context);
    return;
  }
  if (context.nowMs - tombstone.time_ms >= graceMs) {
    throw new ProblemError(
      "not-found",
      `run ${JSON.stringify(id)} was deleted at ${new Date(tombstone.time_ms).toISOString()}; a deletion can be taken back for ${graceMs / 86_400_000} days.`,
    );
  }
  // The newest of a run's tombstones counts: later than the one it takes back, whatever the clock says.
  await context.store.insertRows("tombstones", [
    { run: run.toString(), time_ms: Math.max(context.nowMs, tombstone.time_ms + 1), deleted: 0 },
  ]);
}
