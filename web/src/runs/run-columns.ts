// Columns of the runs table with the fields that the server sorts them by, and which of a run's numbers is "the loss".

import type { Float, Run } from "@gradwatch/server/api-types";

export interface RunColumn {
  readonly title: string;
  /** In the language of filters. */
  readonly field: string;
  readonly numeric?: true;
}

export const RUN_COLUMNS: readonly RunColumn[] = [
  { title: "Run", field: "name" },
  { title: "Project", field: "project" },
  { title: "State", field: "state" },
  { title: "Alerts", field: "firing" },
  { title: "Step", field: "step", numeric: true },
  { title: "Loss", field: "summary.loss.last", numeric: true },
  { title: "Duration", field: "duration", numeric: true },
  { title: "Started", field: "created", numeric: true },
];

export const DEFAULT_SORT = "pinned desc, created desc";

/** How the address's order has a column. */
export const directionOf = (field: string, sort: string): "ascending" | "descending" | "none" =>
  sort === field ? "ascending" : sort === `${field} desc` ? "descending" : "none";

/** Names that are tried in order; the step record's loss is the raw one. */
const LOSS_NAMES = ["loss", "train/loss", "train_loss", "step/loss", "train.loss"];

export function lossOf(run: Run): Float | undefined {
  const name = LOSS_NAMES.find((one) => one in run.summary) ?? Object.keys(run.summary).find((one) => /(^|[/_.])loss$/i.test(one));
  const loss = name === undefined ? undefined : run.summary[name];
  return typeof loss === "string" && !NON_FINITE.has(loss) ? undefined : (loss as Float | undefined);
}

/** What a run sets itself may be any text. */
const NON_FINITE: ReadonlySet<string> = new Set(["NaN", "Infinity", "-Infinity"]);
