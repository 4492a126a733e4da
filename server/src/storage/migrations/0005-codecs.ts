// Smaller columns, as `npm run bench disk` found them: steps rise by one, so the difference of differences is nothing; of times and values the
// stronger level takes away more than it costs to write. Parts that are there are packed anew when they merge.

import type { Migration } from "./migration.ts";

export const codecs: Migration = {
  number: 5,
  name: "codecs",
  statements: [
    `ALTER TABLE scalars MODIFY COLUMN step Int64 CODEC(DoubleDelta, ZSTD(1))`,
    `ALTER TABLE scalars MODIFY COLUMN time_ms Int64 CODEC(Delta, ZSTD(3))`,
    `ALTER TABLE scalars MODIFY COLUMN value Float64 CODEC(ZSTD(3))`,
    `ALTER TABLE tensors MODIFY COLUMN step Int64 CODEC(DoubleDelta, ZSTD(1))`,
    `ALTER TABLE tensors MODIFY COLUMN time_ms Int64 CODEC(Delta, ZSTD(3))`,
  ],
};
