// The SDK in processes of its own: it never keeps one alive and never changes how one ends.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Peer, scalarsOf, startPeer } from "./scripted-peer.ts";

const run = promisify(execFile);
const room = fileURLToPath(new URL("..", import.meta.url));
let peer: Peer;
let folder: string;

beforeAll(async () => {
  peer = await startPeer();
  // Inside the room, so that the packages are found.
  folder = mkdtempSync(join(room, "test", ".processes-"));
});

afterAll(() => {
  peer.stop();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function start(name: string, script: string): Promise<Ended> {
  const file = join(folder, name);
  writeFileSync(file, script);
  try {
    const { stdout, stderr } = await run(process.execPath, ["--conditions=source", file], { timeout: 30_000 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

const logging = (address: string, after: string): string => `
  import { init } from "@gradwatch/sdk";
  const run = init({ project: "p", id: "r", url: ${JSON.stringify(address)} });
  for (let i = 0; i < 1000; i++) run.log({ loss: i });
  ${after}
`;

describe("a training process", () => {
  test("that never calls finish ends by itself, with a server", async () => {
    const seen = peer.batches.length;
    // Long enough for the batch to go by its age.
    const { code } = await start("with.mjs", logging(peer.address, "await new Promise((resolve) => setTimeout(resolve, 800));"));
    expect(code).toBe(0);
    expect(scalarsOf(peer.batches.slice(seen))).toHaveLength(1000);
  });

  test("that never calls finish ends by itself, without a server", async () => {
    const { code, stderr } = await start(
      "without.mjs",
      logging("127.0.0.1:9", "await new Promise((resolve) => setTimeout(resolve, 500));"),
    );
    expect(code).toBe(0);
    expect(stderr.match(/the server is away/g)).toHaveLength(1);
  });

  test("that throws ends as it would have without the SDK", async () => {
    const { code, stderr } = await start("throws.mjs", logging(peer.address, 'throw new Error("the training\'s own trouble");'));
    expect(code).toBe(1);
    expect(stderr).toContain("the training's own trouble");
  });

  test("gets its last points out with finish, and its exit code is its own", async () => {
    const { code, stdout } = await start(
      "finish.mjs",
      logging(peer.address, "console.log(JSON.stringify(await run.finish(3))); process.exitCode = 3;"),
    );
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toEqual({ logged: 1000, acknowledged: 1000, rejected: 0, dropped: {}, pending: 0, spooled: 0 });
    expect(peer.closes.map(({ exitCode }) => exitCode)).toContain(3);
  });

  test('mode "disabled" and "offline" connect to nothing', async () => {
    const opens = peer.opens.length;
    const script = (mode: string): string =>
      logging(peer.address, "console.log(JSON.stringify(await run.finish()));").replace('id: "r"', `id: "r", mode: "${mode}"`);
    expect((await start("disabled.mjs", script("disabled"))).stderr).toBe("");
    const offline = await start("offline.mjs", script("offline"));
    expect(offline.stderr).toContain("send it with gradwatch-sync");
    expect(JSON.parse(offline.stdout)).toMatchObject({ logged: 1000, pending: 1000, spooled: 1000 });
    expect(peer.opens).toHaveLength(opens);
  });
});
