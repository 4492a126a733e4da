// Over real sockets: a reader that goes away ends its query and its stream.

import { type AddressInfo } from "node:net";
import { serve, type ServerType } from "@hono/node-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApi } from "../../src/api/app.ts";
import { createHub } from "../../src/live/hub.ts";
import { createServerMetrics } from "../../src/observe/metrics.ts";
import { everybody } from "./everybody.ts";
import { type Store, StoreError } from "../../src/storage/store.ts";
import { createBackups } from "../../src/storage/backups.ts";
import { nobodyToAsk } from "./api-under-test.ts";

const hub = createHub({ ringEventsMax: 10 });
const queries = { started: 0, aborted: 0 };
/** Answers nothing until the reader gives up. */
const endless: Store = {
  read: (_query, _parameters, options) =>
    new Promise((_resolve, reject) => {
      queries.started++;
      options?.signal?.addEventListener("abort", () => {
        queries.aborted++;
        reject(new StoreError("unavailable", "aborted", undefined));
      });
    }),
  insertColumns: async () => undefined,
  insertRows: async () => undefined,
  change: async () => undefined,
  execute: async () => undefined,
  ping: async () => true,
  close: async () => undefined,
};

let server: ServerType;
let base: string;
beforeAll(async () => {
  const hosts: string[] = [];
  const api = createApi({
    store: endless,
    ...everybody(endless),
    hub,
    nowMs: Date.now,
    metrics: createServerMetrics(),
    publicUrl: () => "",
    allowedHosts: () => hosts,
    ready: () => true,
    control: nobodyToAsk,
    backups: createBackups(endless, "gradwatch_test", (name) => name),
    disk: () => ({ state: "ok", space: undefined, message: undefined }),
    ruleStatus: async () => undefined,
    runChanged: async () => undefined,
  });
  await new Promise<void>((resolve) => {
    server = serve({ fetch: api.fetch, hostname: "127.0.0.1", port: 0 }, () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  hosts.push(`127.0.0.1:${port}`);
  base = `http://127.0.0.1:${port}`;
});
afterAll(async () => {
  hub.close();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    if ("closeAllConnections" in server) server.closeAllConnections();
  });
});

test("a query whose asker has gone is aborted", async () => {
  const gone = new AbortController();
  const asking = fetch(`${base}/api/v1/projects/p/runs/r`, { signal: gone.signal });
  await expect.poll(() => queries.started).toBe(1);
  gone.abort();
  await expect(asking).rejects.toThrow("aborted");
  await expect.poll(() => queries.aborted).toBe(1);
});

test("a stream is sent at once, and its subscription ends with its reader", async () => {
  const gone = new AbortController();
  const response = await fetch(`${base}/api/v1/events`, { signal: gone.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  expect(decoder.decode((await reader.read()).value)).toBe("retry: 2000\n\n");
  hub.publish({ type: "run", project: "p", run: "r", state: "running" });
  expect(decoder.decode((await reader.read()).value)).toContain("event: run");
  expect(hub.subscribers()).toBe(1);
  gone.abort();
  await expect.poll(() => hub.subscribers()).toBe(0);
});
