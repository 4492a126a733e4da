// What a forked run takes over from its parent: statements that copy rows within a table under another run's key.

import { z } from "zod";
import { UInt64 } from "../query.ts";
import { cutParameters, notCut, notCutAt } from "./session-cut.ts";

/** INSERT … SELECT with bound values; beside removals, nothing else is written by a statement. */
export interface Copy {
  readonly name: string;
  readonly sql: string;
  readonly parameters: typeof parameters;
}

const parameters = z.object({ parent: UInt64, child: UInt64, month: z.int(), step: UInt64, ...cutParameters });

const copyOf = (table: string, condition: string, replaced = "{child:UInt64} AS run"): Copy => ({
  name: `inherit-${table}`,
  sql: `INSERT INTO ${table} SELECT * REPLACE (${replaced}) FROM ${table} FINAL WHERE ${table}.run = {parent:UInt64} AND (${condition})`,
  parameters,
});

const before = "step < {step:Int64}";
const dataBefore = `${before} AND ${notCut}`;
/** A copy is received when it is made. */
const receivedNow = "toDate(now(), 'UTC') AS received_day";
const ofChild = `{child:UInt64} AS run, {month:UInt32} AS month, ${receivedNow}`;

export const inheritedCopies: { readonly names: readonly Copy[]; readonly data: readonly Copy[] } = {
  names: [copyOf("metrics", "true"), copyOf("tensor_infos", "true")],
  data: [
    copyOf("scalars", dataBefore, ofChild),
    copyOf("tensors", dataBefore, ofChild),
    copyOf("images", before, `{child:UInt64} AS run, ${receivedNow}`),
    copyOf(
      "run_events",
      `kind IN ('facts', 'metric-definition') OR (kind IN ('class', 'batch-id') AND assumeNotNull(${before}) AND ${notCutAt("assumeNotNull(step)")})
        OR (kind = 'checkpoint' AND toInt64OrZero(JSONExtractString(body, 'step')) < {step:Int64})`,
    ),
  ],
};
