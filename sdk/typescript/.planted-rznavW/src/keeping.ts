// Decides where the batches of a run wait: in a spool on disk, or, where that is switched off or the disk refuses, in memory.

import type { OpenRunRequest } from "@gradwatch/proto";
import type { Environment } from "./environment.ts";
import type { Outbox, PartKind } from "./outbox.ts";
import type { Settings } from "./settings.ts";
import { memoryBytesMax, openMemory, openSpool } from "./spool/open-spool.ts";
import type { Opening } from "./spool/payload.ts";
import { createSpoolFolder, removeSpoolFolder } from "./spool/spool-folder.ts";
import type { Ledger, Warnings } from "./warnings.ts";

/** Where batches wait. */
export interface Keeping {
  readonly outbox: Outbox;
  /** In words: "in memory, up to 64 MiB". */
  readonly where: string;
}

export interface KeepingOptions {
  readonly settings: Settings;
  readonly request: OpenRunRequest;
  readonly ledger: Ledger;
  readonly warnings: Warnings;
  readonly environment: Pick<Environment, "nowMs" | "files">;
  /** For the opening of a spool: this producer's versions. */
  readonly versions: () => Pick<Opening, "firstVer" | "shift">;
}

const DAY_MS = 86_400_000;

/** As `FinishReport.dropped` counts them. */
const partNames: Readonly<Record<PartKind, string>> = {
  data: "",
  tensors: ": tensor summaries",
  console: ": console lines",
  images: ": images",
};

export function keepBatches({ settings, request, ledger, warnings, environment, versions }: KeepingOptions): Keeping {
  const where = (): string =>
    settings.spool === undefined
      ? `in memory, up to ${mebibytes(memoryBytesMax)}`
      : `in ${settings.spool}, up to ${mebibytes(settings.spoolBytesMax)}`;
  const limits = {
    oldestVersion: () => oldestVersion(environment.nowMs(), settings.spoolDaysMax),
    shed(kind: PartKind, points: number, why: "full" | "old") {
      const reason = why === "old" ? "too old" : settings.spool === undefined ? "memory full" : "spool full";
      ledger.drop(`${reason}${partNames[kind]}`, points);
      const what = kind === "data" ? "new points are dropped" : `${partNames[kind].slice(2)} make way`;
      if (why === "old") warnings.warn("old", `points older than ${settings.spoolDaysMax} days are given up and counted (spoolDaysMax)`);
      else
        warnings.warn(`full ${kind}`, `the room for what waits is full (${where()}): ${what}, and are counted, until the server answers`);
    },
  };
  if (settings.spool === undefined) return { outbox: openMemory(limits), where: where() };
  const diskFailed = (error: unknown): void =>
    warnings.warn(
      "spool",
      `the spool at ${settings.spool} cannot be written (${error instanceof Error ? error.message : String(error)}): points wait in memory, up to ${mebibytes(memoryBytesMax)}`,
    );
  try {
    const producer = Buffer.from(request.producer).toString("hex");
    const folder = createSpoolFolder(settings.spool, producer, settings.target, settings.tls);
    const outbox = openSpool({
      ...limits,
      files: environment.files,
      folder,
      opening: () => ({ request, ...versions() }),
      bytesMax: settings.spoolBytesMax,
      remove: () => removeSpoolFolder(folder),
      diskFailed,
    });
    return { outbox, where: where() };
  } catch (error) {
    diskFailed(error);
    return { outbox: openMemory(limits), where: `in memory, up to ${mebibytes(memoryBytesMax)}` };
  }
}

/** Batches below this version were logged more than `days` ago. */
export const oldestVersion = (nowMs: number, days: number): bigint => BigInt(Math.max(0, Math.floor(nowMs - days * DAY_MS))) * 1000n;

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
