#!/usr/bin/env node
// `gradwatch-sync [FOLDER] [--url HOST:PORT]`: sends what earlier training processes on this machine left in the spool.

import { parseArgs } from "node:util";
import { credentialsOf } from "./credentials.ts";
import { processEnvironment } from "./environment.ts";
import { oldestVersion } from "./keeping.ts";
import { connectNetwork } from "./network.ts";
import { defaultSpoolDaysMax, parseAddress } from "./settings.ts";
import { defaultSpoolRoot, quarantined } from "./spool/spool-folder.ts";
import { syncSpool } from "./spool/sync.ts";
import { createWarnings } from "./warnings.ts";

const BAR_WIDTH = 24;
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const { values, positionals } = parseArgs({ allowPositionals: true, options: { url: { type: "string" } } });
const root = positionals[0] ?? defaultSpoolRoot(process.env);
const given = values.url === undefined ? undefined : parseAddress(values.url, createWarnings(say));
const credentials = credentialsOf(process.env["GRADWATCH_API_KEY"] || undefined, process.env, say);
const isTerminal = process.stderr.isTTY;

// The SDK's sockets do not hold a process.
const hold = setInterval(() => undefined, 1_000);
const { sent, rejected, left } = await syncSpool({
  root,
  environment: processEnvironment,
  connect(owner) {
    const { target, tls } = given ?? owner;
    return connectNetwork(target, tls, credentials);
  },
  oldestVersion: oldestVersion(Date.now(), Number(process.env["GRADWATCH_SPOOL_DAYS"] || defaultSpoolDaysMax)),
  progress({ run, points, pointsAll }) {
    if (!isTerminal) return;
    const done = Math.round((BAR_WIDTH * points) / Math.max(pointsAll, 1));
    process.stderr.write(`\r\u001B[K[${"#".repeat(done)}${"-".repeat(BAR_WIDTH - done)}] ${run}: ${points} of ${pointsAll} points`);
  },
  say: (line) => say(isTerminal ? `\r\u001B[K${line}` : line),
});
clearInterval(hold);
if (isTerminal) process.stderr.write("\r\u001B[K");
say(
  `${root}: ${sent} points sent${rejected > 0 ? `, ${rejected} rejected` : ""}${left > 0 ? `; ${left} runs stay: they still log, or their server is away or refuses the key` : ""}`,
);
const kept = quarantined(root);
if (kept.length > 0) {
  say(`${kept.length} batches that a server rejected are kept; the end of each file tells why. The first: ${kept[0]}`);
}
process.exitCode = left > 0 || rejected > 0 ? 1 : 0;
