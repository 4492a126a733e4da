// Console lines of a run, newest first.

import { z } from "zod";
import { defineQuery, Integer, UInt64 } from "../query.ts";

/** Where a line stands among those of the same millisecond: batch, place in it, process. */
const position = "concat(lower(leftPad(hex(sequence), 16, '0')), lower(leftPad(hex(position), 8, '0')), producer)";

export const consolePage = defineQuery({
  name: "console-page",
  sql: `SELECT time_ms, rank, stream, line, ${position} AS id FROM console_lines FINAL
    WHERE run = {run:UInt64} AND ({search:String} = '' OR positionCaseInsensitiveUTF8(line, {search:String}) > 0)
      AND (time_ms, ${position}) < ({before_ms:Int64}, {before_id:String})
    ORDER BY time_ms DESC, id DESC LIMIT {limit:UInt32}`,
  parameters: z.object({ run: UInt64, search: z.string(), before_ms: z.int(), before_id: z.string(), limit: z.int() }),
  row: z.object({ time_ms: Integer, rank: Integer, stream: z.enum(["stdout", "stderr"]), line: z.string(), id: z.string() }),
});
