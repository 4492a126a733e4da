// A server over an engine that the benchmark can ask, too: the raw query goes to the same data, past the server.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedEngine } from "../../server/src/engine/embedded.ts";
import { createStore, type Store } from "../../server/src/storage/store.ts";
import { type ServerProcess, startServer } from "../processes/server-process.ts";

export interface ServerOverEngine {
  readonly server: ServerProcess;
  /** Past the server. */
  readonly store: Store;
  dispose(): Promise<void>;
}

export async function startServerOverEngine(): Promise<ServerOverEngine> {
  const dataFolder = mkdtempSync(join(tmpdir(), "gradwatch-bench-"));
  const engine = await startEmbeddedEngine({
    dataFolder,
    memoryBytesMax: 1024 ** 3,
    onCrash: (reason) => {
      throw new Error(`the engine ended: ${reason}`);
    },
  });
  const server = await startServer({
    environment: {
      CLICKHOUSE_URL: engine.url(),
      GRADWATCH_CLICKHOUSE_USER: engine.username,
      GRADWATCH_CLICKHOUSE_PASSWORD: engine.password,
    },
  });
  const store = createStore({
    address: () => ({ url: engine.url(), username: engine.username, password: engine.password }),
    database: "gradwatch",
    readSecondsMax: 60,
    readRowsMax: 1e9,
    readBytesMax: 1e9,
  });
  return {
    server,
    store,
    async dispose() {
      await store.close();
      await server.dispose();
      await engine.stop();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
