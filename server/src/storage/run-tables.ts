// Every table with rows of runs, by what they hold: what a deletion removes, what is counted as a run's bytes. A test holds
// the list to the schema, so that a new table cannot be forgotten.

/** What people ask after and decide about. */
export const dataKinds = ["scalars", "tensors", "images", "console", "events", "alerts", "bookkeeping"] as const;
export type DataKind = (typeof dataKinds)[number];

export interface RunTable {
  readonly name: string;
  readonly kind: DataKind;
}

/** The identity last: it tells whose the other rows are. */
export const identityTable: RunTable = { name: "runs", kind: "bookkeeping" };

export const runTables: readonly RunTable[] = [
  { name: "scalars", kind: "scalars" },
  { name: "tensors", kind: "tensors" },
  { name: "images", kind: "images" },
  { name: "console_lines", kind: "console" },
  { name: "run_events", kind: "events" },
  { name: "incident_events", kind: "alerts" },
  { name: "detector_snapshots", kind: "alerts" },
  { name: "metrics", kind: "bookkeeping" },
  { name: "tensor_infos", kind: "bookkeeping" },
  { name: "heartbeats", kind: "bookkeeping" },
  { name: "sessions", kind: "bookkeeping" },
  { name: "run_summaries", kind: "bookkeeping" },
  { name: "sealed_metrics", kind: "bookkeeping" },
  { name: "run_writers", kind: "bookkeeping" },
  identityTable,
];

/** What outlives a run: that it was deleted, what that freed, and leases, which end by themselves within a day. No name of the run, nothing that it logged. */
export const keptTables: readonly string[] = ["tombstones", "removals", "run_homes"];
