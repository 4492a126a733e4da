// The session cut: when a rank is resumed at a step, what it wrote before that at this step or later is abandoned. The
// rows stay in the tables and are hidden here, in every read of scalars and tensors.

import { z } from "zod";
import { defineQuery, Integer, UInt64 } from "../query.ts";
import type { Store } from "../store.ts";

const resumedSessions = defineQuery({
  name: "resumed-sessions",
  sql: `SELECT toString(run) AS run, rank, toString(ver_start) AS ver_start, toString(resume_step) AS resume_step
    FROM sessions FINAL WHERE run IN {runs:Array(UInt64)} AND isNotNull(resume_step)`,
  parameters: z.object({ runs: z.array(z.bigint()) }),
  row: z.object({ run: UInt64, rank: Integer, ver_start: UInt64, resume_step: UInt64 }),
});

/** Rows of `run` and `rank` with a version below `cut_vers` at steps from `cut_steps` on are hidden. Parallel arrays. */
export const cutParameters = {
  cut_runs: z.array(z.bigint()),
  cut_ranks: z.array(z.int()),
  cut_vers: z.array(z.bigint()),
  cut_steps: z.array(z.bigint()),
};

export interface SessionCuts {
  readonly cut_runs: bigint[];
  readonly cut_ranks: number[];
  readonly cut_vers: bigint[];
  readonly cut_steps: bigint[];
}

/**
 * Condition that keeps what is not abandoned, for a WHERE over run, rank, step and ver. With FINAL it meets the newest
 * row of a step only, which is right: when that one is abandoned, so are the older ones.
 */
export const notCutAt = (step: string): string => `(empty({cut_runs:Array(UInt64)}) OR NOT arrayExists(
  (cut_run, cut_rank, cut_ver, cut_step) -> run = cut_run AND rank = cut_rank AND ver < cut_ver AND ${step} >= cut_step,
  {cut_runs:Array(UInt64)}, {cut_ranks:Array(UInt32)}, {cut_vers:Array(UInt64)}, {cut_steps:Array(Int64)}))`;
export const notCut = notCutAt("step");

export async function sessionCuts(store: Store, runs: readonly bigint[], signal?: AbortSignal): Promise<SessionCuts> {
  const rows = await store.read(resumedSessions, { runs: [...runs] }, signal === undefined ? {} : { signal });
  return {
    cut_runs: rows.map(({ run }) => BigInt(run)),
    cut_ranks: rows.map(({ rank }) => rank),
    cut_vers: rows.map(({ ver_start }) => BigInt(ver_start)),
    cut_steps: rows.map(({ resume_step }) => BigInt(resume_step)),
  };
}
