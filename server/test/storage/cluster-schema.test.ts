// The cluster form of every table, as the engine's own parser reads it. Running it takes a cluster.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clusterStatements } from "../../src/storage/cluster-schema.ts";
import { migrations } from "../../src/storage/migrate.ts";
import { openDataFolder } from "../../../test/processes/open-data-folder.ts";
import type { Storage } from "../../src/storage/open-storage.ts";
import { z } from "zod";
import { defineQuery } from "../../src/storage/query.ts";

const folder = mkdtempSync(join(tmpdir(), "gradwatch-cluster-"));
let storage: Storage;
beforeAll(async () => void (storage = await openDataFolder(folder)));
afterAll(async () => {
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

const statements = clusterStatements(migrations, { cluster: "team", database: "gradwatch" });

test("the engine parses every statement", async () => {
  expect(statements.length).toBeGreaterThan(30);
  for (const statement of statements) await expect(storage.store.execute(`EXPLAIN AST ${statement}`)).resolves.toBeUndefined();
});

test("the engine refuses what is not SQL", async () => {
  await expect(storage.store.execute(`EXPLAIN AST ${statements[1]} ENGINE`)).rejects.toThrow(/ENGINE 62$/);
});

test("every table of the embedded schema has both forms", async () => {
  const tables = defineQuery({
    name: "tables-under-test",
    sql: `SELECT name FROM system.tables WHERE database = currentDatabase() AND name != 'schema_migrations'`,
    parameters: z.object({}),
    row: z.object({ name: z.string() }),
  });
  const named = (pattern: RegExp): string[] => statements.flatMap((statement) => pattern.exec(statement)?.[1] ?? []).toSorted();
  const wanted = (await storage.store.read(tables, {})).map(({ name }) => name).toSorted();
  expect(wanted.length).toBeGreaterThan(10);
  expect(named(/^CREATE TABLE IF NOT EXISTS gradwatch\.(\w+)_shard /)).toEqual(wanted);
  expect(named(/^CREATE TABLE IF NOT EXISTS gradwatch\.(\w+) ON CLUSTER 'team' AS /)).toEqual(wanted);
});

test("rows that replace each other lie on one shard", () => {
  const byTable = Object.fromEntries(
    statements.flatMap((statement) => {
      const found = /^CREATE TABLE IF NOT EXISTS gradwatch\.(\w+) ON CLUSTER .* '\w+_shard', (.*)\)$/.exec(statement);
      return found === null ? [] : [[found[1], found[2]]];
    }),
  );
  expect(byTable).toMatchObject({ scalars: "run", tensors: "run", runs: "run", tombstones: "run", key_events: "cityHash64(key)" });
});
