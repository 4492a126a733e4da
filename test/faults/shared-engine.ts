// One engine that several servers reach by address, as they would reach a ClickHouse server: the embedded one behind its own HTTP
// protocol, as a process of the test.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedEngine } from "../../server/src/engine/embedded.ts";
import { openStorage, type Storage } from "../../server/src/storage/open-storage.ts";

export interface SharedEngine {
  readonly url: () => string;
  /** For a server that reaches it at `url`. */
  environment(url: string): Record<string, string>;
  /** The storage as a server has it, without a server. */
  open(): Promise<Storage>;
  stop(): Promise<void>;
}

export async function startSharedEngine(): Promise<SharedEngine> {
  const dataFolder = mkdtempSync(join(tmpdir(), "gradwatch-shared-"));
  const onCrash = (reason: string): void => {
    throw new Error(`the engine ended: ${reason}`);
  };
  const engineMemoryBytesMax = 1024 ** 3;
  const engine = await startEmbeddedEngine({ dataFolder, memoryBytesMax: engineMemoryBytesMax, onCrash });
  const { username, password } = engine;
  return {
    url: engine.url,
    environment: (url) => ({ CLICKHOUSE_URL: url, GRADWATCH_CLICKHOUSE_USER: username, GRADWATCH_CLICKHOUSE_PASSWORD: password }),
    open: () =>
      openStorage({
        clickhouseUrl: engine.url(),
        clickhouseUser: username,
        clickhousePassword: password,
        database: "gradwatch",
        dataFolder,
        engineMemoryBytesMax,
        onEngineCrash: onCrash,
        nowMs: Date.now,
      }),
    async stop() {
      await engine.stop();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
