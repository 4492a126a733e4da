// What a server says that cannot start: a clear line for each thing that is wrong, its own exit code, no stack trace, and
// nothing that was there before is harmed.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { defineQuery } from "../../server/src/storage/query.ts";
import { startServer, type ServerProcess } from "../processes/server-process.ts";
import { openDataFolder } from "../processes/open-data-folder.ts";

const main = fileURLToPath(new URL("../../server/src/main.ts", import.meta.url));
let folder: string;
let running: ServerProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gradwatch-bad-"));
  running = await startServer();
});

afterAll(async () => {
  await running.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Refusal {
  readonly code: number;
  readonly lines: readonly string[];
}

/** Starts a server that must not start. */
function refusedStart(flags: readonly string[], environment: Record<string, string> = {}): Promise<Refusal> {
  return new Promise((resolve) => {
    const all = ["--conditions=source", main, "serve", "--http-port", "0", "--grpc-port", "0", "--data", join(folder, "data"), ...flags];
    execFile(process.execPath, all, { env: { ...process.env, ...environment }, timeout: 60_000 }, (error, _stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), lines: stderr.trim().split("\n") });
    });
  });
}

async function takenPort(): Promise<{ port: number; holder: Server }> {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const address = holder.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, holder };
}

describe("configuration", () => {
  test("a wrong flag is named", async () => {
    const { code, lines } = await refusedStart(["--grcp-port", "1"]);
    expect(code).toBe(1);
    expect(lines.join("\n")).toContain("--grcp-port");
    expect(lines.join("\n")).toContain("--grpc-port");
  });

  test("every bad key is told at once, with its value and what it may be", async () => {
    const file = join(folder, "config.json");
    writeFileSync(file, JSON.stringify({ logLevel: "loud", colour: "blue" }));
    const { code, lines } = await refusedStart(["--config", file, "--http-port", "99999", "--engine-memory", "12"], {
      GRADWATCH_DATABASE: "1; DROP",
    });
    expect(code).toBe(2);
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/config\.json: unknown key "colour"; known: .*httpPort/),
        expect.stringMatching(/--http-port is "99999"; accepted: 0 to 65535/),
        expect.stringMatching(/--engine-memory is "12"; accepted: at least 256/),
        expect.stringMatching(/GRADWATCH_DATABASE is "1; DROP"; accepted: letters, digits and _/),
        expect.stringMatching(/config\.json: logLevel is "loud"; accepted: debug, info, warn or error/),
      ]),
    );
    expect(lines).toHaveLength(5);
  });

  test("an address that others can reach is refused without TLS", async () => {
    const { code, lines } = await refusedStart(["--host", "0.0.0.0"]);
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/--host is "0\.0\.0\.0".*--tls-cert and --tls-key.*--behind-proxy/)]);
  });
});

describe("surroundings", () => {
  test.each(["http", "grpc"])("a busy %s port", async (which) => {
    const { port, holder } = await takenPort();
    const { code, lines } = await refusedStart([`--${which}-port`, String(port)]);
    holder.close();
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(new RegExp(`cannot listen for ${which}.*127\\.0\\.0\\.1:${port}.*--${which}-port`, "i"))]);
  });

  test("a data folder that cannot be written", async () => {
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    const { code, lines } = await refusedStart(["--data", join(file, "below")]);
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/data folder .*a-file\/below cannot be used: .*--data/)]);
  });

  test("a second server on the same folder", async () => {
    const { code, lines } = await refusedStart(["--data", running.dataFolder]);
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/is in use by another server.*--data/)]);
    expect((await fetch(`${running.http()}/readyz`)).status).toBe(200);
  });

  test("a ClickHouse that does not answer", async () => {
    const { code, lines } = await refusedStart([], { CLICKHOUSE_URL: "http://127.0.0.1:9" });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/ClickHouse.*http:\/\/127\.0\.0\.1:9/)]);
  });
});

describe("data of another release", () => {
  async function spoil(statement: string): Promise<string> {
    const dataFolder = mkdtempSync(join(folder, "spoiled-"));
    const storage = await openDataFolder(dataFolder);
    await storage.store.execute(statement);
    await storage.store.read(
      defineQuery({ name: "all", sql: "SELECT 1 AS one FROM schema_migrations LIMIT 1", parameters: z.object({}), row: z.unknown() }),
      {},
    );
    await storage.close();
    return dataFolder;
  }

  test("newer than the server: refused, with what to do", async () => {
    const dataFolder = await spoil("INSERT INTO schema_migrations SELECT * REPLACE (9999 AS number) FROM schema_migrations LIMIT 1");
    const { code, lines } = await refusedStart(["--data", dataFolder]);
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/9999.*newer|newer.*9999/)]);
  });
});
