// The engines that storage must behave the same on. Each opens an empty database of its own, or says why it cannot be
// had here. The real ClickHouse server comes from, in this order: GRADWATCH_TEST_CLICKHOUSE_URL, a `clickhouse` binary on
// the PATH, a container.

import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "@clickhouse/client";
import { ClickHouseContainer } from "@testcontainers/clickhouse";
import { startEmbeddedEngine } from "../../server/src/engine/embedded.ts";
import type { StorageOptions } from "../../server/src/storage/open-storage.ts";

export interface EngineUnderTest {
  /** How to open the same storage; several opens share the data unless the engine is embedded. */
  readonly options: StorageOptions;
  stop(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** A string is the reason why this engine cannot be had here. */
  start(): Promise<EngineUnderTest | string>;
}

const clickhouseImage = process.env["CLICKHOUSE_IMAGE"] ?? "clickhouse/clickhouse-server:26.7-alpine";

const baseOptions: Omit<StorageOptions, "dataFolder"> = {
  clickhouseUrl: undefined,
  clickhouseUser: "default",
  clickhousePassword: "",
  database: "gradwatch_test",
  engineMemoryBytesMax: 1024 * 1024 * 1024,
  onEngineCrash: (reason) => {
    throw new Error(`the engine ended: ${reason}`);
  },
  nowMs: Date.now,
};

const embedded: Engine = {
  name: "embedded engine",
  async start() {
    const dataFolder = temporaryFolder();
    return {
      options: { ...baseOptions, dataFolder },
      stop: async () => rmSync(dataFolder, { recursive: true, force: true }),
    };
  },
};

const overHttp: Engine = {
  name: "@clickhouse/client over HTTP, as to a remote server",
  async start() {
    const dataFolder = temporaryFolder();
    const engine = await startEmbeddedEngine({
      dataFolder,
      memoryBytesMax: baseOptions.engineMemoryBytesMax,
      onCrash: baseOptions.onEngineCrash,
    });
    const remote = { clickhouseUrl: engine.url(), clickhouseUser: engine.username, clickhousePassword: engine.password };
    return {
      options: { ...baseOptions, ...remote, dataFolder },
      async stop() {
        await engine.stop();
        rmSync(dataFolder, { recursive: true, force: true });
      },
    };
  },
};

const realServer: Engine = {
  name: "real ClickHouse server",
  async start() {
    const url = process.env["GRADWATCH_TEST_CLICKHOUSE_URL"];
    if (url !== undefined) return await freshDatabase(url, "default", "", async () => undefined);
    if (onPath("clickhouse")) return await startBinary();
    return await startContainer();
  },
};

export const engines: readonly Engine[] = [embedded, overHttp, realServer];

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "gradwatch-contract-"));
}

async function freshDatabase(url: string, user: string, password: string, stop: () => Promise<void>): Promise<EngineUnderTest> {
  const database = `gradwatch_test_${randomBytes(4).toString("hex")}`;
  return {
    options: { ...baseOptions, clickhouseUrl: url, clickhouseUser: user, clickhousePassword: password, database, dataFolder: "" },
    async stop() {
      const client = createClient({ url, username: user, password });
      await client.command({ query: `DROP DATABASE IF EXISTS ${database}` });
      await client.close();
      await stop();
    },
  };
}

async function startBinary(): Promise<EngineUnderTest> {
  const folder = temporaryFolder();
  const [http, tcp] = await Promise.all([freePort(), freePort()]);
  const child = spawn(
    "clickhouse",
    ["server", "--", `--path=${folder}/`, `--http_port=${http}`, `--tcp_port=${tcp}`, "--listen_host=127.0.0.1", "--logger.console=0"],
    { cwd: folder, stdio: "ignore" },
  );
  const url = `http://127.0.0.1:${http}`;
  for (let attempt = 0; !(await answers(url)); attempt++) {
    if (attempt > 100 || child.exitCode !== null) throw new Error(`the clickhouse binary on the PATH does not answer at ${url}`);
    await delay(200);
  }
  return await freshDatabase(url, "default", "", async () => {
    child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  });
}

async function startContainer(): Promise<EngineUnderTest | string> {
  try {
    execFileSync("docker", ["info"], { stdio: "ignore", timeout: 10_000 });
  } catch {
    return "no GRADWATCH_TEST_CLICKHOUSE_URL, no clickhouse binary on the PATH, and no container engine answers";
  }
  try {
    const container = await new ClickHouseContainer(clickhouseImage).start();
    return await freshDatabase(container.getHttpUrl(), container.getUsername(), container.getPassword(), async () => {
      await container.stop();
    });
  } catch (error) {
    return `container ${clickhouseImage} cannot be started: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`;
  }
}

function onPath(command: string): boolean {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const answers = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/ping`)).ok;
  } catch {
    return false;
  }
};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
