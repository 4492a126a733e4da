// Sends what earlier processes left: opens their runs as the same producers, sends the same batches, closes the runs if
// their ends are known, and takes the folders away. May be broken off and repeated at any time, and run beside a live run:
// what arrives twice is the same rows.

import type { Environment } from "../environment.ts";
import type { Network } from "../network.ts";
import { isOwned, own, type Owner, ownerOf, removeSpoolFolder, spoolFolders } from "./spool-folder.ts";
import { readSpool } from "./read-spool.ts";
import { sendLeft, type SendResult } from "./send-left.ts";

export interface SyncOptions {
  readonly root: string;
  readonly environment: Environment;
  /** A road to the server that the folder was meant for, or to another; undefined: leave it. */
  readonly connect: (owner: Pick<Owner, "target" | "tls">) => Network | undefined;
  /** What is older is given up; undefined: nothing is. */
  readonly oldestVersion?: bigint | undefined;
  readonly progress: (progress: SyncProgress) => void;
  readonly say: (line: string) => void;
}

export interface SyncProgress {
  /** project/run */
  readonly run: string;
  readonly points: number;
  readonly pointsAll: number;
}

export interface SyncResult {
  readonly sent: number;
  readonly rejected: number;
  /** Folders that stay: in use, or their server is away. */
  readonly left: number;
}

export async function syncSpool(options: SyncOptions): Promise<SyncResult> {
  let [sent, rejected, left] = [0, 0, 0];
  for (const folder of spoolFolders(options.root)) {
    if (isOwned(folder)) {
      left += 1;
      continue;
    }
    const result = await syncFolder(folder, options);
    sent += result.sent;
    rejected += result.rejected;
    if (!result.done) left += 1;
  }
  return { sent, rejected, left };
}

const NOTHING: SendResult = { sent: 0, rejected: 0, done: false };

async function syncFolder(folder: string, options: SyncOptions): Promise<SendResult> {
  const content = readSpool(folder);
  if (content.damaged > 0) options.say(`${folder}: ${content.damaged} damaged places were skipped`);
  if (content.opening === undefined) {
    // A process that ended, or whose disk was full, before its first batch was written.
    const isEmpty = content.entries.length === 0 && content.damaged === 0;
    if (isEmpty) removeSpoolFolder(folder);
    else options.say(`${folder}: no segment tells which run it belongs to; it stays as it is`);
    return { ...NOTHING, done: isEmpty };
  }
  const owner = ownerOf(folder) ?? { target: "", tls: false };
  const network = options.connect(owner);
  if (network === undefined) return NOTHING;
  own(folder, owner);
  return await sendLeft(folder, { ...content, opening: content.opening }, network, options);
}
