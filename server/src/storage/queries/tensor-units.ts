// The values by unit of one tensor over time: sums from which means and deviations of a column's steps follow. Ranks that
// hold pieces saw other samples of the same units, so that their values are pooled like those of steps.

import { z } from "zod";
import { defineQuery, Integer } from "../query.ts";
import { Doubles } from "./number-columns.ts";
import { tensorSelection, visibleTensors } from "./tensors.ts";

const withUnits = `(SELECT step, arrayMap(m -> toFloat64(m), unit_means) AS means,
    arrayMap(s -> toFloat64(s), arrayResize(unit_stds, length(unit_means), nan)) AS stds
  ${visibleTensors} AND notEmpty(unit_means))`;

export const unitsExtent = defineQuery({
  name: "tensor-units-extent",
  sql: `SELECT uniqExact(step) AS steps, min(step) AS step_min, max(step) AS step_max FROM ${withUnits}`,
  parameters: z.object(tensorSelection),
  row: z.object({ steps: Integer, step_min: Integer, step_max: Integer }),
});

/** By ascending step. By unit: how many means are finite, their sum, that of mean² + std², and how many have a deviation. */
export const unitColumns = defineQuery({
  name: "tensor-unit-columns",
  sql: `SELECT max(step) AS last_step,
      sumForEach(arrayMap(m -> toFloat64(isFinite(m)), means)) AS counts,
      sumForEach(arrayMap(m -> if(isFinite(m), m, 0), means)) AS sums,
      sumForEach(arrayMap((m, s) -> if(isFinite(m), m * m + if(isFinite(s), s * s, 0), 0), means, stds)) AS squares,
      sumForEach(arrayMap((m, s) -> toFloat64(isFinite(m) AND isFinite(s)), means, stds)) AS deviations
    FROM ${withUnits}
    GROUP BY if({every_step:UInt8} = 1, step, intDiv(step - {origin:Int64}, {width:Int64})) ORDER BY last_step`,
  parameters: z.object({ ...tensorSelection, every_step: z.int(), origin: z.int(), width: z.int().min(1) }),
  row: z.object({ last_step: Integer, counts: Doubles, sums: Doubles, squares: Doubles, deviations: Doubles }),
});
