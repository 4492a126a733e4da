// Rows of the runs on a page, as of the moment: the derived row, and the heartbeats that tell whether a run still lives.

import type { Field } from "../filter/tree.ts";
import type { RunSelection } from "../storage/queries/row-scope.ts";
import { rowAt, type RunRow, runRowsQuery } from "../storage/queries/run-rows.ts";
import { runHeartbeats } from "../storage/queries/runs.ts";
import type { ReadContext } from "./run-reader.ts";

/** By run, in no order. */
export async function readRunRows(
  keys: readonly bigint[],
  columns: readonly Field[] | undefined,
  moment: Pick<RunSelection, "nowMs" | "silenceMs">,
  { store, signal }: Pick<ReadContext, "store" | "signal">,
): Promise<Map<bigint, RunRow>> {
  const { query, parameters } = runRowsQuery(keys, columns);
  const [rows, beats] = await Promise.all([
    store.read(query, parameters, { signal }),
    store.read(runHeartbeats, { runs: [...keys] }, { signal }),
  ]);
  const beatOf = new Map(beats.map(({ run, last_ms }) => [run, last_ms]));
  return new Map(rows.map((row) => [row.run, rowAt(row, beatOf.get(row.run) ?? 0, moment)]));
}
