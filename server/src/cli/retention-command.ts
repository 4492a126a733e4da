// `gradwatch retention PROJECT`: tells how long a project keeps what, and changes it.

import { Command, InvalidArgumentError, Option } from "commander";
import { Retention } from "../api/schema-storage.ts";
import { expiringKinds } from "../storage/queries/retention.ts";
import { callApi, defaultUrl, serverAt } from "./call-api.ts";
import { table } from "./table.ts";

interface RetentionOptions extends Readonly<Partial<Record<(typeof expiringKinds)[number], number | "forever">>> {
  readonly url: string;
  readonly json?: boolean;
}

export function retentionCommand(): Command {
  const command = new Command("retention")
    .description("how long a project keeps what; with an option, change it")
    .argument("<project>")
    .addOption(new Option("--url <url>", "address of the server's page").default(defaultUrl(process.env)))
    .option("--json", "print JSON, for programs");
  for (const kind of expiringKinds) command.option(`--${kind} <time>`, "days since a run last sent any: 90d; or forever", keepTime);
  return command.action(async (project: string, { url, json, ...given }: RetentionOptions) => {
    const change = Object.fromEntries(Object.entries(given).map(([kind, days]) => [kind, days === "forever" ? null : days]));
    const isChange = Object.keys(change).length > 0;
    const path = `/projects/${encodeURIComponent(project)}/retention`;
    const retention = await callApi(serverAt(url, process.env), isChange ? "PATCH" : "GET", path, Retention, isChange ? change : undefined);
    process.stdout.write(`${json === true ? JSON.stringify(retention, undefined, 2) : forPeople(retention)}\n`);
  });
}

/** Commander would take null for an option without a value. */
function keepTime(text: string): number | "forever" {
  if (text === "forever") return text;
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? [];
  if (days === undefined) throw new InvalidArgumentError("it must be a number of days, or forever: 30d, 365d.");
  return Number(days);
}

function forPeople({ kinds }: Retention): string {
  const rows = kinds.map(({ kind, days, changedAt, changedBy }) => [
    kind,
    days === null ? "forever" : `${days} days`,
    changedAt === null ? "-" : new Date(changedAt).toISOString().slice(0, 16).replace("T", " "),
    changedBy ?? "-",
  ]);
  return `${table(["KIND", "KEPT", "CHANGED", "BY KEY"], rows)}\nCounted from when a run last sent any. Pinned runs stay whole; of runs whose scalars are gone, the summary stays.`;
}
