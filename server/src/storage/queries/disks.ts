// Room on the disks of a ClickHouse server that our tables may be on.

import { z } from "zod";
import { defineQuery, Double } from "../query.ts";

/** All disks of a policy together: it moves parts between them by itself. Object storage counts as without an end. */
export const diskSpace = defineQuery({
  name: "disk-space",
  sql: `SELECT sum(toFloat64(total_space)) AS total, sum(toFloat64(unreserved_space)) AS free FROM system.disks
    WHERE name IN (SELECT arrayJoin(disks) FROM system.storage_policies
      WHERE policy_name IN (SELECT storage_policy FROM system.tables WHERE database = currentDatabase()))`,
  parameters: z.object({}),
  row: z.object({ total: Double, free: Double }),
});
