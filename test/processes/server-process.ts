// A real server in a process of its own, as a user starts it, on free ports and a folder of its own. Killed, started
// again on the same ports and folder, or stopped as a service manager would.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface ServerProcess {
  readonly dataFolder: string;
  /** http://127.0.0.1:PORT */
  readonly http: () => string;
  /** 127.0.0.1:PORT */
  readonly grpc: () => string;
  /** Address of the page with a key that a browser turns into a cookie. */
  readonly page: () => string;
  readonly pid: () => number;
  /** Of the engine that the server had when it was ready. */
  readonly enginePid: () => number;
  /** What it wrote on stderr since it was first started. */
  readonly log: () => string;
  /** SIGKILL to the server and its engine at one moment: nothing is flushed, closed or finished. */
  kill(): Promise<void>;
  /** SIGKILL to the server alone: its engine notices and ends by itself. */
  killAlone(): Promise<void>;
  /** Starts it again on the same ports and folder. */
  restart(): Promise<void>;
  /** SIGTERM; throws unless it ends with code 0. */
  stop(): Promise<void>;
  /** Stops whatever runs and removes the folder. */
  dispose(): Promise<void>;
}

export interface ServerProcessOptions {
  readonly dataFolder?: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Aborted, it is SIGKILLed, even while it starts: then `startServer` throws. */
  readonly kill?: AbortSignal;
}

interface Ready {
  readonly http: string;
  readonly grpc: string;
  readonly page: string;
  readonly enginePid: number | null;
}

// Servers of demo and benchmarks must not meet the user's, nor leave anything in the home folder; tests bring a folder.
process.env["GRADWATCH_KEYS"] ??= mkdtempSync(join(tmpdir(), "gradwatch-keys-"));

const main = fileURLToPath(new URL("../../server/src/main.ts", import.meta.url));

export async function startServer(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), "gradwatch-server-"));
  let log = "";
  let child: ChildProcess;
  let ready: Ready;

  async function launch(httpPort: string, grpcPort: string): Promise<void> {
    const flags = ["--data", dataFolder, "--http-port", httpPort, "--grpc-port", grpcPort, "--ready-json", ...(options.flags ?? [])];
    child = spawn(process.execPath, ["--conditions=source", main, "serve", ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.environment },
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (log += text));
    options.kill?.addEventListener("abort", () => child.kill("SIGKILL"));
    ready = await firstLine(child, () => log);
  }

  await launch("0", "0");
  const portOf = (address: string): string => address.slice(address.lastIndexOf(":") + 1);
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;

  const end = async (signal: NodeJS.Signals, withEngine = true): Promise<void> => {
    if (ended()) return;
    child.kill(signal);
    if (signal === "SIGKILL" && withEngine && ready.enginePid !== null) killIfAlive(ready.enginePid);
    await once(child, "exit");
  };
  return {
    dataFolder,
    http: () => ready.http,
    grpc: () => ready.grpc,
    page: () => ready.page,
    pid: () => child.pid ?? -1,
    enginePid: () => ready.enginePid ?? -1,
    log: () => log,
    kill: () => end("SIGKILL"),
    killAlone: () => end("SIGKILL", false),
    restart: () => launch(portOf(ready.http), portOf(ready.grpc)),
    async stop() {
      await end("SIGTERM");
      if (child.exitCode !== 0) throw new Error(`the server ended with ${child.signalCode ?? child.exitCode} on SIGTERM:\n${log}`);
    },
    async dispose() {
      await end("SIGKILL");
      if (options.dataFolder === undefined) rmSync(dataFolder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}

async function firstLine(child: ChildProcess, log: () => string): Promise<Ready> {
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`the server ended with ${signal ?? code} before it was ready:\n${log()}`);
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const line = await Promise.race([once(lines, "line"), ended]);
  ended.catch(() => undefined);
  return JSON.parse(line[0] as string) as Ready;
}
