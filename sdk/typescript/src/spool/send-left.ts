// Sends what one folder holds, as the producer that left it.

import { basename } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { BatchBodySchema } from "@gradwatch/proto";
import type { Environment } from "../environment.ts";
import type { Network } from "../network.ts";
import type { Entry, Outbox } from "../outbox.ts";
import { type Seal, sealBatch, sealOf } from "../seal.ts";
import { createSender } from "../sender.ts";
import type { LeftEntry } from "./bounded-outbox.ts";
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
  let tooOld = 0;
  const outbox = openSpool({
    files: options.environment.files,
    folder,
    opening: () => opening,
    bytesMax: Number.POSITIVE_INFINITY,
    oldestVersion: () => options.oldestVersion,
    shed: (_kind, points) => (tooOld += points),
    remove: () => removeSpoolFolder(folder),
    diskFailed: (error) => options.say(`${basename(folder)}: ${error instanceof Error ? error.message : String(error)}`),
    left: { entries, lastSegment },
  });
  outbox.expire();
  if (tooOld > 0) {
    options.say(`${run}: ${tooOld} points have waited too long and are given up`);
    outbox.append(dropNote(opening, entries, tooOld, options.environment.nowMs()));
  }
  const pointsAll = outbox.points();
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

/** A batch that tells the server what it will never get. */
function dropNote(opening: Opening, entries: readonly LeftEntry[], points: number, nowMs: number): Entry {
  const last = entries.at(-1) ?? { seq: 0n, ver: opening.firstVer };
  const { project, runId, rank } = opening.request;
  const drops = { reason: "too old when it was sent", points: BigInt(points) };
  // Young enough not to be given up itself, should the server be away now.
  const now = BigInt(nowMs) * 1000n;
  const body = create(BatchBodySchema, {
    project,
    runId,
    rank,
    events: [{ timeMs: BigInt(nowMs), event: { case: "drops", value: drops } }],
  });
  return {
    seq: last.seq + 1n,
    ver: last.ver >= now ? last.ver + 1n : now,
    parts: { data: { points: 1, body: toBinary(BatchBodySchema, body) } },
  };
}

interface Fates {
  readonly settled: (points: number) => void;
  readonly rejected: (points: number, reason: string) => void;
}

/** Resolves with "all", or with why it stopped before. */
function deliver(
  outbox: Outbox,
  { request, firstVer, shift }: Opening,
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
      if (outbox.head(1).length === 0) end("all");
      else cancelPatience = environment.later(SILENCE_MS_MAX, () => end(`the server settled nothing for ${SILENCE_MS_MAX / 1000} s`));
    };
    const sender = createSender({
      environment,
      connect: () => network,
      outbox,
      // Had the process opened the run itself, the server remembers; else the session begins where its data does.
      request: { ...request, firstVer, late: true },
      seal(waiting) {
        const body = outbox.bodyOf(waiting.seq);
        return body === undefined || seal === undefined ? undefined : sealBatch(seal, waiting, body);
      },
      lastStep: () => undefined,
      events: {
        opened(response) {
          const answered = sealOf(request.producer as Uint8Array<ArrayBuffer>, firstVer, response);
          // Its opening may have reached the server after its death, later than what was written since: what was never sent
          // keeps the versions of when it was logged. (Not where it resumed a step: its session has to be above the cut.)
          seal = { ...answered, shift: shift ?? (request.resumeStep === undefined ? 0n : answered.shift) };
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
        keyRefused: (reason) => end(`the server does not take the key: ${reason}`),
        away: (reason) => end(`the server is away (${reason})`),
        alert: () => undefined,
        stop: () => undefined,
        unknown: () => undefined,
        flightRecorder: () => false,
      },
    });
    sender.start();
  });
}
