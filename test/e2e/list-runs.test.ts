// `gradwatch runs`, as people and programs call it, against a real server.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { init } from "@gradwatch/sdk";
import type { CreatedKey } from "@gradwatch/server/api-types";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerProcess, startServer } from "../processes/server-process.ts";

const main = fileURLToPath(new URL("../../server/src/main.ts", import.meta.url));
const execute = promisify(execFile);
let server: ServerProcess;

beforeAll(async () => {
  server = await startServer();
  for (const id of ["first", "second"]) {
    const run = init({
      project: "cli",
      id,
      url: server.grpc(),
      verbose: false,
      notes: `red\u001B[31m`,
      config: { lr: id === "first" ? 0.1 : 0.2 },
    });
    run.log({ loss: id === "first" ? 2 : Number.NaN }, { step: 0 });
    await run.finish();
  }
});
afterAll(() => server.dispose());

const gradwatch = async (...args: string[]): Promise<string> =>
  (await execute(process.execPath, ["--conditions=source", main, "runs", "--url", server.http(), ...args])).stdout;

test("people get a table without control characters, programs JSON", async () => {
  const table = await gradwatch("config.lr > 0", "--columns", "id, note, summary.loss.last", "--sort", "id");
  expect(table).toBe("id      note      summary.loss.last\nfirst   red\u{FFFD}[31m  2\nsecond  red\u{FFFD}[31m  NaN\n");
  const json: unknown = JSON.parse(await gradwatch("config.lr > 0.1", "--columns", "id, summary.loss.last, tag", "--json"));
  expect(json).toEqual([{ project: "cli", run: "second", id: "second", "summary.loss.last": "NaN", tag: null }]);
  expect(await gradwatch("--limit", "1", "--columns", "id")).toContain("There are more; --limit is 1.");
});

test("a wrong filter is shown at its column, with status 1", async () => {
  const failed = gradwatch("lr > 0");
  await expect(failed).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("gradwatch:   lr > 0\ngradwatch:   ^") as string });
});

test("it lists what its key is for, and without a key says where one comes from", async () => {
  const response = await fetch(`${server.http()}/api/v1/keys`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ owner: "somebody", scopes: ["read"], projects: ["elsewhere"] }),
  });
  const { secret } = (await response.json()) as CreatedKey;
  const args = ["--conditions=source", main, "runs", "--url", server.http(), "--columns", "id"];
  const as = async (environment: Record<string, string>) =>
    await execute(process.execPath, args, { env: { ...process.env, ...environment } });
  expect((await as({ GRADWATCH_API_KEY: secret })).stdout).toBe("id\n");
  const keyless = as({ GRADWATCH_KEYS: join(server.dataFolder, "no-keys"), GRADWATCH_API_KEY: "" });
  await expect(keyless).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("gradwatch login") as string });
});
