// Smaller columns at no price, as `npm run bench disk` and `ingest` found them: steps rise by one, so the difference of differences is nothing;
// differences of times fit into a few bits. Parts that are there are packed anew when they merge.

import type { Migration } from "./migration.ts";

export const codecs: Migration = {
  number: 5,
  name: "codecs",
  statements: [
    `ALTER TABLE scalars MODIFY COLUMN step Int64 CODEC(DoubleDelta, ZSTD(1))`,
    `ALTER TABLE scalars MODIFY COLUMN time_ms Int64 CODEC(Delta, T64, ZSTD(1))`,
    `ALTER TABLE scalars MODIFY COLUMN value Float64 CODEC(ZSTD(1))`,
    `ALTER TABLE tensors MODIFY COLUMN step Int64 CODEC(DoubleDelta, ZSTD(1))`,
    `ALTER TABLE tensors MODIFY COLUMN time_ms Int64 CODEC(Delta, T64, ZSTD(1))`,
  ],
};
