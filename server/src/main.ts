#!/usr/bin/env node
// The `gradwatch` command. Only wires: parses the command line, loads the configuration and calls the room that works.

import { Command, Option } from "commander";
import { backupCommand, restoreCommand } from "./cli/backup-command.ts";
import { CommandError } from "./cli/call-api.ts";
import { duCommand } from "./cli/du-command.ts";
import { keysCommand } from "./cli/keys-command.ts";
import { loginCommand } from "./cli/login-command.ts";
import { migrateCommand } from "./cli/migrate-command.ts";
import { retentionCommand } from "./cli/retention-command.ts";
import { runsCommand } from "./cli/runs-command.ts";
import { schemaCommand } from "./cli/schema-command.ts";
import { Config, ConfigError, configKeys, flagOf, loadConfig, switches, variableOf } from "./config.ts";
import { FilterError } from "./filter/filter-error.ts";
import { serve, StartError } from "./serve.ts";
import { version } from "./version.ts";

const program = new Command("gradwatch").description("The team's memory and early-warning system for training").version(version);

const serveCommand = program
  .command("serve", { isDefault: true })
  .description("start the server: gRPC for training processes, HTTP for the page and the API")
  .option("--config <file>", "JSON file with any of the options below, by their camelCase names");
for (const key of configKeys) {
  const description = `${Config.shape[key].description ?? ""} (${variableOf(key)})`;
  serveCommand.addOption(new Option(switches.has(key) ? flagOf(key) : `${flagOf(key)} <value>`, description));
}
serveCommand.action(async ({ config: file, ...flags }: Record<string, unknown>) => {
  await serve(loadConfig({ flags, environment: process.env, file: file as string | undefined }));
});

program
  .addCommand(keysCommand())
  .addCommand(loginCommand())
  .addCommand(runsCommand())
  .addCommand(duCommand())
  .addCommand(retentionCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(migrateCommand())
  .addCommand(schemaCommand());

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof StartError || error instanceof CommandError || error instanceof FilterError))
    throw error;
  process.stderr.write(`${error.message.replaceAll(/^/gm, "gradwatch: ")}\n`);
  process.exit(error instanceof ConfigError ? 2 : 1);
}
