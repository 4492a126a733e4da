// An API over a store that has nothing and a page that was not built: for what needs neither.

import type { ApiDeps } from "../../src/api/deps.ts";
import { createServerMetrics } from "../../src/observe/metrics.ts";
import { createBackups } from "../../src/storage/backups.ts";
import type { Store } from "../../src/storage/store.ts";
import { everybody } from "./everybody.ts";
import { host, nobodyToAsk, startMs } from "./api-under-test.ts";

export const bareStore: Store = {
  read: async () => [],
  insertColumns: async () => undefined,
  insertRows: async () => undefined,
  change: async () => undefined,
  execute: async () => undefined,
  ping: async () => true,
  close: async () => undefined,
};
export const bareDeps: ApiDeps = {
  store: bareStore,
  ...everybody(bareStore),
  hub: {
    subscribe: () => {
      throw new Error("not used");
    },
    subscribers: () => 0,
  },
  nowMs: () => startMs,
  get metrics() {
    return createServerMetrics();
  },
  publicUrl: () => "",
  allowedHosts: () => [host],
  ready: () => true,
  disk: () => ({ state: "ok", space: undefined, message: undefined }),
  ruleStatus: async () => undefined,
  control: nobodyToAsk,
  backups: createBackups(bareStore, "gradwatch_test", (name) => name),
  runChanged: async () => undefined,
  pageFolder: "/nowhere",
};
