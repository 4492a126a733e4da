// The server's side of the embedded engine: starts its process, hands over a fresh secret, and starts it again when
// it dies. Nothing acknowledged is lost with it: an acknowledged batch is on disk, the others are inserted again.

import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import type { EngineReport, EngineStart } from "./process.ts";

export interface EmbeddedEngine {
  /** ClickHouse address of the running process; changes when it is started again. */
  readonly url: () => string;
  readonly username: string;
  readonly password: string;
  readonly pid: () => number | undefined;
  stop(): Promise<void>;
}

export interface EmbeddedEngineOptions {
  readonly dataFolder: string;
  readonly memoryBytesMax: number;
  /** Default: "backups" beside the engine's own folder. */
  readonly backupsFolder?: string;
  /** Called after an unexpected end, before the next start. */
  readonly onCrash: (reason: string) => void;
}

/** A predecessor that was killed lets go of the folder within moments; a living one never does. */
const lockWaitMs = 5_000;
const restartDelayMs = 500;
/** An engine that is stuck must not keep the server from ending; what was acknowledged is on disk. Above the engine's own 5 s. */
const endPatienceMs = 8_000;

export const backupsFolderOf = (dataFolder: string): string => join(resolve(dataFolder), "backups");

/** @throws Error with one clear line when the folder cannot be opened. */
export async function startEmbeddedEngine(options: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
  const folder = join(options.dataFolder, "engine");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { memoryBytesMax, dataFolder, backupsFolder = backupsFolderOf(dataFolder) } = options;
  const start: EngineStart = { folder, secret: randomBytes(32).toString("hex"), memoryBytesMax, backupsFolder };
  let current = await launchPatiently(start, options.dataFolder);
  let stopping = false;

  const watch = (): void => {
    current.child.once("exit", async (code, signal) => {
      if (stopping) return;
      options.onCrash(signal === null ? `exit code ${code}` : `signal ${signal}`);
      while (!stopping) {
        await delay(restartDelayMs);
        try {
          current = await launch(start);
          watch();
          return;
        } catch (error) {
          options.onCrash(error instanceof Error ? error.message : String(error));
        }
      }
    });
  };
  watch();

  return {
    url: () => `http://127.0.0.1:${current.port}`,
    username: "gradwatch",
    password: start.secret,
    pid: () => current.child.pid,
    async stop() {
      stopping = true;
      const { child } = current;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.send("end");
      const forced = setTimeout(() => child.kill("SIGKILL"), endPatienceMs);
      await ended;
      clearTimeout(forced);
    },
  };
}

interface Launched {
  readonly child: ChildProcess;
  readonly port: number;
}

async function launchPatiently(start: EngineStart, dataFolder: string): Promise<Launched> {
  const deadline = Date.now() + lockWaitMs;
  for (;;) {
    try {
      return await launch(start);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const locked = message.includes("Cannot lock file");
      if (locked && Date.now() < deadline) {
        await delay(250);
        continue;
      }
      if (!locked) throw error;
      throw new Error(
        `data folder ${dataFolder} is in use by another server. Stop that one, or give this one a folder of its own with --data.`,
        { cause: error },
      );
    }
  }
}

async function launch(start: EngineStart): Promise<Launched> {
  const entry = fileURLToPath(new URL(`./process${extname(import.meta.filename)}`, import.meta.url));
  const child = fork(entry, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let noise = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (noise = (noise + text).slice(-4_000)));
  const answered = new Promise<EngineReport>((resolve) => {
    child.once("message", (message) => resolve(message as EngineReport));
    child.once("exit", (code, signal) => resolve({ failed: `the engine ended at once (${signal ?? code}): ${noise.trim()}` }));
    child.once("error", (error) => resolve({ failed: error.message }));
  });
  child.send(start);
  const report = await answered;
  if ("ready" in report) return { child, port: report.ready.port };
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  throw new Error(`the embedded engine cannot open ${start.folder}: ${report.failed}. ${noise.trim()}`.trim());
}
