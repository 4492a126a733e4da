// Sends what earlier processes left: opens their runs as the same producers, sends the same batches, closes the runs if
// their ends are known, and takes the folders away. May be broken off and repeated at any time, and run beside a live run:
// what arrives twice is the same rows.

import { basename } from "node:path";
import type { Environment } from "../environment.ts";
import type { Network } from "../network.ts";
import { type Seal, sealBatch, sealOf } from "../seal.ts";
import { createSender } from "../sender.ts";
import { openSpool } from "./open-spool.ts";
import { isOwned, own, type Owner, ownerOf, removeSpoolFolder, spoolFolders } from "./spool-folder.ts";
import { readSpool, type SpoolContent } from "./read-spool.ts";

export interface SyncOptions {
  readonly root: string;
  readonly environment: Environment;
  /** A road to the server that the folder was meant for, or to another; undefined: leave it. */
  readonly connect: (owner: Pick<Owner, "target" | "tls">) => Network | undefined;
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

interface FolderResult {
  readonly sent: number;
  readonly rejected: number;
  readonly done: boolean;
}

const NOTHING: FolderResult = { sent: 0, rejected: 0, done: false };

async function syncFolder(folder: string, options: SyncOptions): Promise<FolderResult> {
  const content = readSpool(folder);
  if (content.damaged > 0) options.say(`${folder}: ${content.damaged} damaged places were skipped`);
  if (content.opening === undefined) {
    // A process that ended before it closed its first batch.
    if (content.lastSegment === 0) removeSpoolFolder(folder);
    else options.say(`${folder}: no segment tells which run it belongs to; it stays as it is`);
    return { ...NOTHING, done: content.lastSegment === 0 };
  }
  const owner = ownerOf(folder) ?? { target: "", tls: false };
  const network = options.connect(owner);
  if (network === undefined) return NOTHING;
  own(folder, owner);
  return await sendAll(folder, { ...content, opening: content.opening }, network, options);
}

type OpenedContent = SpoolContent & { readonly opening: NonNullable<SpoolContent["opening"]> };

async function sendAll(
  folder: string,
  { opening, entries, close, lastSegment }: OpenedContent,
  network: Network,
  options: SyncOptions,
): Promise<FolderResult> {
  const { request } = opening;
  const run = `${request.project}/${request.runId}`;
  const outbox = openSpool({
    folder,
    opening: () => opening,
    bytesMax: Number.POSITIVE_INFINITY,
    remove: () => removeSpoolFolder(folder),
    diskFailed: (error) => options.say(`${basename(folder)}: ${error instanceof Error ? error.message : String(error)}`),
    left: { entries, lastSegment },
  });
  const pointsAll = entries.reduce((sum, { points }) => sum + points, 0);
  let [sent, rejected] = [0, 0];
  let seal: Seal | undefined;
  const reached = await new Promise<boolean>((resolve) => {
    const sender = createSender({
      environment: options.environment,
      connect: () => network,
      outbox,
      request,
      seal(waiting) {
        const body = outbox.bodyOf(waiting.seq);
        return body === undefined || seal === undefined ? undefined : sealBatch(seal, waiting, body);
      },
      lastStep: () => undefined,
      events: {
        opened(response) {
          seal = sealOf(request.producer as Uint8Array<ArrayBuffer>, opening.firstVer, response);
          if (outbox.unsettled().length === 0) resolve(true);
        },
        settled(settled) {
          sent += settled.reduce((sum, { points }) => sum + points, 0);
          options.progress({ run, points: sent, pointsAll });
          if (outbox.unsettled().length === 0) resolve(true);
        },
        rejected({ points }, reason) {
          rejected += points;
          options.say(`${run}: the server rejected ${points} points: ${reason}`);
          if (outbox.unsettled().length === 0) resolve(true);
        },
        lost({ points }) {
          options.say(`${run}: ${points} points cannot be read back and are lost`);
          if (outbox.unsettled().length === 0) resolve(true);
        },
        refused(reason) {
          options.say(`${run}: the server does not take it: ${reason}`);
          resolve(false);
        },
        away(reason) {
          options.say(`${run}: the server is away (${reason}); ${pointsAll - sent} points stay here`);
          resolve(false);
        },
        alert: () => undefined,
        stop: () => undefined,
        flightRecorder: () => false,
      },
    });
    sender.start();
  });
  const closed = reached && (close === undefined || !("permanent" in (await network.closeRun(close))));
  network.close();
  outbox.close(closed);
  return { sent, rejected, done: closed };
}
