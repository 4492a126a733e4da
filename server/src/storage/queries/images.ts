// Images of a run: what there is, and the bytes of one.

import { z } from "zod";
import { defineQuery, Integer, UInt64 } from "../query.ts";

/** By name, then step; the newest of a name first. An empty name matches all. */
export const imageList = defineQuery({
  name: "image-list",
  sql: `SELECT name, step, rank, argMax(time_ms, ver) AS time, argMax(media_type, ver) AS media_type, argMax(width, ver) AS w,
      argMax(height, ver) AS h, argMax(caption, ver) AS caption
    FROM images AS i WHERE run = {run:UInt64} AND ({name:String} = '' OR name = {name:String})
    GROUP BY name, step, rank ORDER BY name, step DESC, rank LIMIT {per_name:UInt32} BY name LIMIT {limit:UInt32}`,
  parameters: z.object({ run: UInt64, name: z.string(), per_name: z.int(), limit: z.int() }),
  row: z.object({
    name: z.string(),
    step: Integer,
    rank: Integer,
    time: Integer,
    media_type: z.string(),
    w: z.number(),
    h: z.number(),
    caption: z.string(),
  }),
});

/** The one written last. */
export const imageData = defineQuery({
  name: "image-data",
  sql: `SELECT media_type, data_base64 FROM images
    WHERE run = {run:UInt64} AND name = {name:String} AND step = {step:Int64} AND rank = {rank:UInt32}
    ORDER BY ver DESC, sequence DESC, position DESC LIMIT 1`,
  parameters: z.object({ run: UInt64, name: z.string(), step: z.int(), rank: z.int() }),
  row: z.object({ media_type: z.enum(["image/png", "image/jpeg", "image/webp"]), data_base64: z.string() }),
});
