// The schema for a ClickHouse cluster, made from the same migrations: of every table a replicated one on each shard, and a distributed one over
// them under the table's own name, so that queries stay as they are. A run lies on one shard: rows that replace each other meet there.

import type { Migration } from "./migrations/migration.ts";

const CREATE = /^CREATE TABLE IF NOT EXISTS (\w+) \(([\s\S]*)\) ENGINE = ReplacingMergeTree(?:\((\w+)\))? ([\s\S]*)$/;
const ALTER = /^ALTER TABLE (\w+) ([\s\S]*)$/;

export interface ClusterOptions {
  readonly cluster: string;
  readonly database: string;
}

/** @throws Error on a statement of a form that it does not know. */
export function clusterStatements(migrations: readonly Migration[], { cluster, database }: ClusterOptions): string[] {
  const on = `ON CLUSTER '${cluster}'`;
  const statements = migrations.flatMap((migration) => migration.statements);
  return [
    `CREATE DATABASE IF NOT EXISTS ${database} ${on}`,
    ...statements.flatMap((statement) => {
      const created = CREATE.exec(statement);
      if (created !== null) {
        const [, table, columns, version, rest] = created as unknown as [string, string, string, string | undefined, string];
        const path = `'/clickhouse/tables/{shard}/${database}/${table}', '{replica}'`;
        const engine = `ReplicatedReplacingMergeTree(${path}${version === undefined ? "" : `, ${version}`})`;
        const shard = `${database}.${table}_shard`;
        return [
          `CREATE TABLE IF NOT EXISTS ${shard} ${on} (${columns}) ENGINE = ${engine} ${rest}`,
          `CREATE TABLE IF NOT EXISTS ${database}.${table} ${on} AS ${shard} ENGINE = Distributed('${cluster}', '${database}', '${table}_shard', ${shardingOf(columns)})`,
        ];
      }
      const altered = ALTER.exec(statement);
      if (altered === null) throw new Error(`no cluster form is known of: ${statement.slice(0, 80)}`);
      const [, table, change] = altered as unknown as [string, string, string];
      const ofShard = `ALTER TABLE ${database}.${table}_shard ${on} ${change}`;
      // A distributed table holds nothing that could be packed or written anew.
      if (!change.startsWith("ADD COLUMN")) return [ofShard];
      return [ofShard, `ALTER TABLE ${database}.${table} ${on} ${change.replace(/ CODEC\(.*\)$/, "")}`];
    }),
  ];
}

/** Everything of a run together; what belongs to no run, by the hash of its first column. */
function shardingOf(columns: string): string {
  if (/^\s*run UInt64\b/m.test(columns)) return "run";
  return `cityHash64(${/^\s*(\w+)/m.exec(columns)?.[1]})`;
}
