// A power cut: the data folder lies on a disk of its own, an image behind a loop device. At the cut, server and engine are SIGKILLed and
// the image is copied as it is: what the file system still held in memory is not in the copy. Runs that were acknowledged before the
// cut are in it. What a disk's own cache loses is not part of this. Needs root and loop devices.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { init } from "@gradwatch/sdk";
import { afterEach, expect, test } from "vitest";
import { drawPoints } from "../e2e/draw-points.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";
import { startServer } from "../processes/server-process.ts";
import { seededRandom } from "../seeded-random.ts";
import { type Logged, wrongIn } from "./producers.ts";
import { faultSeed } from "./stored-through-kills.ts";

const ROUNDS = 12;
const LANES = 3;
const STEPS_A_RUN = 300;
const IMAGE_BYTES = 512 * 1024 * 1024;
/** The file system's own commits would save what nobody asked to be saved. */
const MOUNT_OPTIONS = "loop,commit=600";

const opened: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

function mountImage(image: string, folder: string): void {
  mkdirSync(folder);
  execFileSync("mount", ["-o", MOUNT_OPTIONS, image, folder], { stdio: "pipe" });
  opened.push(() => void execFileSync("umount", ["-l", folder]));
}

/** A mounted disk, or the reason why there is none. */
function freshDisk(): { readonly root: string; readonly image: string; readonly folder: string } | string {
  const root = mkdtempSync(join(tmpdir(), "gradwatch-power-"));
  opened.push(() => rmSync(root, { recursive: true, force: true }));
  const [image, folder] = [join(root, "image"), join(root, "disk")];
  try {
    writeFileSync(image, "");
    truncateSync(image, IMAGE_BYTES);
    execFileSync("mkfs.ext4", ["-q", image], { stdio: "pipe" });
    mountImage(image, folder);
  } catch (error) {
    return `no image can be mounted here (root and loop devices are needed): ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`;
  }
  return { root, image, folder };
}

/** One short run after the other, until the cut; `done` gets those that were acknowledged as a whole before it. */
async function logRuns(url: string, lane: number, isCut: () => boolean, done: Logged[]): Promise<void> {
  for (let i = 0; !isCut(); i++) {
    const [id, seed] = [`lane-${lane}-${i}`, lane * 10_000 + i];
    const run = init({ url, project: "faults", id, verbose: false, spool: false });
    for (let step = 0; step < STEPS_A_RUN; step++) {
      const { scalars, tensor } = drawPoints(seed, step);
      run.log(scalars, { step });
      if (tensor !== undefined) run.logTensor("dense/kernel", tensor, { step, kind: "weight" });
    }
    const report = await run.finish(0, { timeoutMs: 4_000 });
    if (!isCut() && report.pending === 0) done.push({ id, seed, steps: STEPS_A_RUN, report });
  }
}

test.for(Array.from({ length: ROUNDS }, (_none, i) => faultSeed(700) + i))(
  "acknowledged runs outlive a power cut (seed %i)",
  async (seed, context) => {
    const random = seededRandom(seed);
    const disk = freshDisk();
    if (typeof disk === "string") return context.skip(disk);
    const server = await startServer({ dataFolder: join(disk.folder, "data") });
    opened.push(() => server.dispose());
    const done: Logged[] = [];
    let cut = false;
    const lanes = Array.from({ length: LANES }, (_none, lane) => logRuns(server.grpc(), lane, () => cut, done));
    while (done.length < 2 * LANES) await delay(20);
    await delay(4_000 * random.uniform());
    cut = true;
    await server.kill();
    const copy = join(disk.root, "copy");
    copyFileSync(disk.image, copy);
    await Promise.all(lanes);

    const after = join(disk.root, "after");
    mountImage(copy, after);
    const dataFolder = join(after, "data");
    const successor = await startServer({ dataFolder });
    await successor.kill();
    const storage = await openDataFolder(dataFolder);
    try {
      expect(await wrongIn(storage.store, done), `GRADWATCH_FAULT_SEED=${seed}`).toEqual([]);
    } finally {
      await storage.close();
    }
  },
);
