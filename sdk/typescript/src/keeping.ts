// Decides where the batches of a run wait: in a spool on disk, or, where that is switched off or the disk refuses, in memory.

import type { OpenRunRequest } from "@gradwatch/proto";
import { createMemoryOutbox } from "./outbox.ts";
import type { Keeping } from "./run-session.ts";
import type { Settings } from "./settings.ts";
import { openSpool } from "./spool/open-spool.ts";
import { createSpoolFolder, removeSpoolFolder } from "./spool/spool-folder.ts";
import type { Warnings } from "./warnings.ts";

const memoryBytesMax = 64 * 1024 * 1024;
/** Of one run on this machine: hours of a busy training. */
const spoolBytesMax = 1024 * 1024 * 1024;

export function keepBatches(settings: Settings, request: OpenRunRequest, warnings: Warnings, firstVersion: () => bigint): Keeping {
  const inMemory: () => Keeping = () => ({
    outbox: createMemoryOutbox(memoryBytesMax),
    where: "in memory, up to 64 MiB",
    fullReason: "memory full",
  });
  if (settings.spool === undefined) return inMemory();
  const diskFailed = (error: unknown): void =>
    warnings.warn(
      "spool",
      `the spool at ${settings.spool} cannot be written (${error instanceof Error ? error.message : String(error)}): points wait in memory, up to 64 MiB`,
    );
  try {
    const producer = Buffer.from(request.producer).toString("hex");
    const folder = createSpoolFolder(settings.spool, producer, settings.target, settings.tls);
    const remove = (): void => removeSpoolFolder(folder);
    const outbox = openSpool({
      folder,
      opening: () => ({ request, firstVer: firstVersion() }),
      bytesMax: spoolBytesMax,
      remove,
      diskFailed,
    });
    return { outbox, where: `in ${folder}, up to 1 GiB`, fullReason: "spool full" };
  } catch (error) {
    diskFailed(error);
    return inMemory();
  }
}
