// `gradwatch schema`: prints the statements that make the tables, for one server as it makes them itself, or for a cluster, whose administrator
// runs them.

import { Command } from "commander";
import { Config } from "../config.ts";
import { clusterStatements } from "../storage/cluster-schema.ts";
import { migrations } from "../storage/migrate.ts";
import { CommandError } from "./call-api.ts";

interface SchemaOptions {
  readonly cluster?: string;
  readonly database: string;
}

export function schemaCommand(): Command {
  return new Command("schema")
    .description("print the tables' SQL")
    .option("--cluster <name>", "for this cluster: replicated tables on every shard, distributed ones over them")
    .option("--database <name>", "database that they are made in", "gradwatch")
    .action((options: SchemaOptions) => {
      process.stdout.write(`${schemaOf(options)}\n`);
    });
}

function schemaOf({ cluster, database }: SchemaOptions): string {
  for (const [flag, name] of Object.entries({ "--cluster": cluster, "--database": database })) {
    if (name !== undefined && !Config.shape.database.safeParse(name).success) {
      throw new CommandError(`${flag} is ${JSON.stringify(name)}; accepted: letters, digits and _, at most 63.`);
    }
  }
  const statements =
    cluster === undefined ? migrations.flatMap((migration) => migration.statements) : clusterStatements(migrations, { cluster, database });
  return statements.map((statement) => `${statement};`).join("\n\n");
}
