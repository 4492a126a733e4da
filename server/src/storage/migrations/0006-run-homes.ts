// Which server a run's processes belong to, so that its ranks meet where rules and live views are. A lease; nothing that is right depends on it.

import type { Migration } from "./migration.ts";

export const runHomes: Migration = {
  number: 6,
  name: "run-homes",
  statements: [
    // Of the leases that are not over, the one that began first is the run's home. address: where that server takes gRPC.
    `CREATE TABLE IF NOT EXISTS run_homes (
      run UInt64,
      address String,
      since_ms Int64,
      until_ms Int64,
      time_ms Int64
    ) ENGINE = ReplacingMergeTree(time_ms) ORDER BY (run, address) TTL toDateTime(intDiv(time_ms, 1000)) + INTERVAL 1 DAY`,
  ],
};
