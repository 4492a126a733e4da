// Keys, and which of them may write to which run. Of secrets only hashes are here.

import { durable, type Migration } from "./migration.ts";

export const keys: Migration = {
  number: 2,
  name: "keys",
  statements: [
    // Appended, never changed. event: created, revoked. actor: the key that asked for it. body: see auth/keyring.ts.
    `CREATE TABLE IF NOT EXISTS key_events (
      key String,
      event LowCardinality(String),
      time_ms Int64,
      actor String,
      body String
    ) ENGINE = ReplacingMergeTree(time_ms) ORDER BY (key, event) ${durable}`,

    // A key that opened the run, or came with its token. token: hash of the one that this key hands on.
    `CREATE TABLE IF NOT EXISTS run_writers (
      run UInt64,
      key String,
      token String,
      time_ms Int64
    ) ENGINE = ReplacingMergeTree(time_ms) ORDER BY (run, key) ${durable}`,
  ],
};
