#!/usr/bin/env node
// The `gradwatch` command. Only wires: parses the command line, loads the configuration and calls the room that works.

import { Command, Option } from "commander";
import { Config, ConfigError, configKeys, flagOf, loadConfig, variableOf } from "./config.ts";
import { defaultColumns, listRuns, ListRunsError, listRunsOptions } from "./command/list-runs.ts";
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
  serveCommand.addOption(new Option(key === "readyJson" ? flagOf(key) : `${flagOf(key)} <value>`, description));
}
serveCommand.action(async ({ config: file, ...flags }: Record<string, unknown>) => {
  await serve(loadConfig({ flags, environment: process.env, file: file as string | undefined }));
});

program
  .command("runs")
  .description("list runs of a server; see docs/filter-language.md")
  .argument("[filter]", "which runs, as in: config.lr < 0.01 and created > now-7d", "")
  .addOption(new Option("--url <url>", "address of the server's page").env("GRADWATCH_HTTP_URL").default("http://127.0.0.1:7070"))
  .option("--project <name>", "only this project")
  .option("--sort <fields>", "up to three fields, each with asc or desc; default: created desc")
  .option("--columns <fields>", "what to show", defaultColumns)
  .option("--limit <n>", "most runs to show", "50")
  .option("--json", "for programs")
  .action(async (filter: string, flags: Record<string, unknown>) => {
    const options = listRunsOptions.safeParse(flags);
    if (!options.success) {
      throw new ConfigError(
        options.error.issues
          .map(({ path, message }) => `--${path.join(".")} is ${JSON.stringify(flags[String(path[0])])}: ${message}`)
          .join("\n"),
      );
    }
    process.stdout.write(`${await listRuns(filter, options.data, process.env["GRADWATCH_API_KEY"])}\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof StartError || error instanceof ListRunsError || error instanceof FilterError))
    throw error;
  process.stderr.write(`${error.message.replaceAll(/^/gm, "gradwatch: ")}\n`);
  process.exit(error instanceof ConfigError ? 2 : 1);
}
