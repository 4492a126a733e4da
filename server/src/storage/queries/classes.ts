// Class records of a run, out of its events. For one (rank, phase, step) the record that was written last counts. Lists come
// as JSON text: the engine cuts them out, so that a confusion is only read where it is asked for.

import { z } from "zod";
import { defineQuery, Integer, UInt64 } from "../query.ts";
import { cutParameters, notCut } from "./session-cut.ts";

const phases = z.enum(["", "PHASE_TRAIN", "PHASE_EVALUATION"]);

/** ProtoJSON of numbers: 64-bit ones are text, NaN is by name; nothing at all where the list is empty. */
const Numbers = z.string().transform((text) =>
  text === ""
    ? []
    : z
        .array(z.union([z.number(), z.string()]))
        .parse(JSON.parse(text))
        .map(Number),
);

const ofRun = `SELECT rank, phase, step, argMax(time_ms, (ver, position)) AS time_ms, argMax(body, (ver, position)) AS body FROM (
    SELECT run, rank, JSONExtractString(body, 'phase') AS phase, assumeNotNull(step) AS step, time_ms, body, ver, position
    FROM run_events FINAL WHERE run_events.run = {run:UInt64} AND kind = 'class'
  ) WHERE ${notCut} GROUP BY rank, phase, step`;

/** Which phases there are, and the ranks of each. */
export const classPhases = defineQuery({
  name: "class-phases",
  sql: `SELECT phase, arraySort(groupUniqArray(rank)) AS ranks FROM (${ofRun}) GROUP BY phase ORDER BY phase DESC`,
  parameters: z.object({ run: UInt64, ...cutParameters }),
  row: z.object({ phase: phases, ranks: z.array(z.number()) }),
});

const ofOne = `(${ofRun}) WHERE rank = {rank:UInt32} AND phase = {phase:String}`;
const one = { run: UInt64, rank: z.int(), phase: phases, ...cutParameters };

/** By ascending step: all, or `most` of them, evenly picked with the first and the last. */
export const classRecords = defineQuery({
  name: "class-records",
  sql: `SELECT step, time_ms, records, JSONExtractRaw(body, 'labelCounts') AS label_counts,
      JSONExtractRaw(body, 'predictionCounts') AS prediction_counts, JSONExtractRaw(body, 'classError') AS class_error
    FROM (
      SELECT *, row_number() OVER (ORDER BY step) - 1 AS row, count() OVER () AS records FROM ${ofOne}
    ) WHERE records <= {most:UInt32} OR row = records - 1 OR (row = 0 AND {most:UInt32} > 1)
      OR intDiv(row * ({most:UInt32} - 1), greatest(records - 1, 1)) > intDiv((row - 1) * ({most:UInt32} - 1), greatest(records - 1, 1))
    ORDER BY step`,
  parameters: z.object({ ...one, most: z.int().min(1) }),
  row: z.object({
    step: Integer,
    time_ms: Integer,
    records: Integer,
    label_counts: Numbers,
    prediction_counts: Numbers,
    class_error: Numbers,
  }),
});

/** The confusion of one step, or, with step -1, the last that there is. */
export const classConfusion = defineQuery({
  name: "class-confusion",
  sql: `SELECT step, JSONExtractRaw(body, 'confusion') AS confusion FROM ${ofOne}
      AND ({step:Int64} < 0 OR step = {step:Int64}) AND JSONLength(body, 'confusion') > 0
    ORDER BY step DESC LIMIT 1`,
  parameters: z.object({ ...one, step: z.int() }),
  row: z.object({ step: Integer, confusion: Numbers }),
});
