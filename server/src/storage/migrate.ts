// Brings the schema up to date at start: numbered, checksummed, forward only. Safe to repeat, to kill in the middle and
// to run in several servers at once, because every statement may run twice and the record is written last.

import { createHash } from "node:crypto";
import { z } from "zod";
import { foundation } from "./migrations/0001-foundation.ts";
import { keys } from "./migrations/0002-keys.ts";
import { runSummaries } from "./migrations/0003-run-summaries.ts";
import { lifeOfTheData } from "./migrations/0004-life-of-the-data.ts";
import { codecs } from "./migrations/0005-codecs.ts";
import { runHomes } from "./migrations/0006-run-homes.ts";
import type { Migration } from "./migrations/migration.ts";
import { defineQuery, Integer } from "./query.ts";
import type { Store } from "./store.ts";

export const migrations: readonly Migration[] = [foundation, keys, runSummaries, lifeOfTheData, codecs, runHomes];

export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

const appliedMigrations = defineQuery({
  name: "applied-migrations",
  sql: `SELECT number, name, checksum FROM schema_migrations FINAL ORDER BY number`,
  parameters: z.object({}),
  row: z.object({ number: Integer, name: z.string(), checksum: z.string() }),
});

export const checksumOf = ({ statements }: Migration): string =>
  createHash("sha256").update(statements.join(";\n")).digest("hex").slice(0, 16);

/**
 * Applies what is missing and returns the numbers applied.
 *
 * @throws MigrationError when the data is of a newer release or a released migration was edited.
 */
export async function migrate(
  admin: Store,
  store: Store,
  database: string,
  nowMs: number,
  wanted: readonly Migration[] = migrations,
): Promise<number[]> {
  await admin.execute(`CREATE DATABASE IF NOT EXISTS ${database}`);
  await store.execute(`CREATE TABLE IF NOT EXISTS schema_migrations (
    number UInt32, name String, checksum String, applied_ms Int64
  ) ENGINE = ReplacingMergeTree(applied_ms) ORDER BY number
  SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`);
  const applied = new Map((await store.read(appliedMigrations, {})).map((row) => [row.number, row]));
  refuseUnknown(applied, wanted);
  const done: number[] = [];
  for (const migration of wanted) {
    const before = applied.get(migration.number);
    const checksum = checksumOf(migration);
    if (before === undefined) {
      for (const statement of migration.statements) await store.execute(statement);
      const row = { number: migration.number, name: migration.name, checksum, applied_ms: nowMs };
      await store.insertRows("schema_migrations", [row]);
      done.push(migration.number);
    } else if (before.checksum !== checksum) {
      throw new MigrationError(
        `migration ${migration.number} (${migration.name}) has checksum ${checksum}, but ${before.checksum} was applied to this data. ` +
          `Use the release that wrote the data, or a later one.`,
      );
    }
  }
  return done;
}

function refuseUnknown(applied: ReadonlyMap<number, { name: string }>, wanted: readonly Migration[]): void {
  const newest = Math.max(...wanted.map(({ number }) => number));
  const newer = [...applied].find(([number]) => number > newest);
  if (newer === undefined) return;
  throw new MigrationError(
    `the data has schema ${newer[0]} (${newer[1].name}), this server knows up to ${newest}. Start a newer Gradwatch, or give this one another data folder.`,
  );
}
