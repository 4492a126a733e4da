// Sends what one folder holds, as the producer that left it.

import { basename } from "node:path";
import type { Environment } from "../environment.ts";
import type { Network } from "../network.ts";
import type { Outbox } from "../outbox.ts";
import { type Seal, sealBatch, sealOf } from "../seal.ts";
import { createSender } from "../sender.ts";
import { openSpool } from "./open-spool.ts";
import type { Opening } from "./payload.ts";
import type { SpoolContent } from "./read-spool.ts";
import { removeSpoolFolder } from "./spool-folder.ts";
import type { SyncOptions } from "./sync.ts";

export interface SendResult {
  readonly sent: number;
  readonly rejected: number;
  /** All is settled and the folder is gone. */
  readonly done: boolean;
}

/** A server that settles nothing for so long counts as away. */
const SILENCE_MS_MAX = 60_000;

export async function sendLeft(
  folder: string,
  { opening, entries, close, lastSegment }: SpoolContent & { readonly opening: Opening },
  network: Network,
  options: SyncOptions,
): Promise<SendResult> {
  const run = `${opening.request.project}/${opening.request.runId}`;
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
  const end = await deliver(outbox, opening, network, options.environment, {
    settled(points) {
      sent += points;
      options.progress({ run, points: sent, pointsAll });
    },
    rejected(points, reason) {
      rejected += points;
      options.say(`${run}: ${points} points will never arrive: ${reason}`);
    },
  });
  if (end !== "all") options.say(`${run}: ${end}; ${pointsAll - sent - rejected} points stay here`);
  const closed = end === "all" && (close === undefined || !("permanent" in (await network.closeRun(close))));
  network.close();
  outbox.close(closed);
  return { sent, rejected, done: closed };
}

interface Fates {
  readonly settled: (points: number) => void;
  readonly rejected: (points: number, reason: string) => void;
}

/** Resolves with "all", or with why it stopped before. */
function deliver(
  outbox: Outbox,
  { request, firstVer }: Opening,
  network: Network,
  environment: Environment,
  fates: Fates,
): Promise<string> {
  let seal: Seal | undefined;
  let cancelPatience = (): void => undefined;
  return new Promise<string>((resolve) => {
    const end = (why: string): void => {
      cancelPatience();
      sender.stop({ keepNetwork: true });
      resolve(why);
    };
    const goOn = (): void => {
      cancelPatience();
      if (outbox.unsettled().length === 0) end("all");
      else cancelPatience = environment.later(SILENCE_MS_MAX, () => end(`the server settled nothing for ${SILENCE_MS_MAX / 1000} s`));
    };
    const sender = createSender({
      environment,
      connect: () => network,
      outbox,
      // Had the process opened the run itself, the server remembers; else the session begins where its data does.
      request: { ...request, firstVer },
      seal(waiting) {
        const body = outbox.bodyOf(waiting.seq);
        return body === undefined || seal === undefined ? undefined : sealBatch(seal, waiting, body);
      },
      lastStep: () => undefined,
      events: {
        opened(response) {
          seal = sealOf(request.producer as Uint8Array<ArrayBuffer>, firstVer, response);
          goOn();
        },
        settled(settled) {
          fates.settled(settled.reduce((sum, { points }) => sum + points, 0));
          goOn();
        },
        rejected({ points }, reason) {
          fates.rejected(points, `the server rejected them: ${reason}`);
          goOn();
        },
        lost({ points }) {
          fates.rejected(points, "they cannot be read back");
          goOn();
        },
        refused: (reason) => end(`the server does not take it: ${reason}`),
        away: (reason) => end(`the server is away (${reason})`),
        alert: () => undefined,
        stop: () => undefined,
        flightRecorder: () => false,
      },
    });
    sender.start();
  });
}
