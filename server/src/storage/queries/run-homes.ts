// Leases of runs' home servers.

import { z } from "zod";
import { defineQuery, Integer, UInt64 } from "../query.ts";

/** Those that are not over, the one that counts first. */
export const homeLeases = defineQuery({
  name: "home-leases",
  sql: `SELECT address, since_ms FROM run_homes FINAL WHERE run = {run:UInt64} AND until_ms > {now_ms:Int64} ORDER BY since_ms, address`,
  parameters: z.object({ run: UInt64, now_ms: z.int() }),
  row: z.object({ address: z.string(), since_ms: Integer }),
});
