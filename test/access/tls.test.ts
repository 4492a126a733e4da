// A server that other machines can reach, on an address of this machine that is not loopback: by TLS and with a key, and not
// otherwise. The certificate is made for the test.

import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { create } from "@bufbuild/protobuf";
import { OpenRunRequestSchema } from "@gradwatch/proto";
import type { CreatedKey, RunPage } from "@gradwatch/server/api-types";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { localKey } from "../processes/local-key.ts";
import { type ServerProcess, startServer } from "../processes/server-process.ts";
import { ask, call, statusOf } from "./ask.ts";
import { gradwatch } from "./gradwatch-command.ts";

const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one !== undefined && one.family === "IPv4" && !one.internal)?.address;

let folder: string;
let why: string | undefined;
let ca: string;
let certFile: string;
let keyFile: string;
let server: ServerProcess | undefined;

function makeCertificate(name: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const subject = ["-subj", "/CN=gradwatch-test", "-addext", `subjectAltName=IP:${address}`];
  execFileSync("openssl", ["req", "-x509", ...curve, "-days", "1", "-out", cert, "-keyout", key, ...subject], { stdio: "ignore" });
  return { cert, key };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gradwatch-tls-"));
  if (address === undefined) {
    why = "this machine has loopback alone";
    return;
  }
  try {
    ({ cert: certFile, key: keyFile } = makeCertificate("server"));
  } catch {
    why = "there is no openssl to make a certificate with";
    return;
  }
  ca = readFileSync(certFile, "utf8");
  server = await startServer({ flags: ["--host", address, "--tls-cert", certFile, "--tls-key", keyFile] });
});
beforeEach((testing) => {
  if (why !== undefined) testing.skip(why);
});
afterAll(async () => {
  await server?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const reached = (): ServerProcess => server as ServerProcess;

describe("on an address that others can reach", () => {
  test("a process with a key logs by TLS, and ends by itself", async () => {
    const url = reached().http();
    expect(url).toBe(`https://${reached().http().slice("https://".length)}`);
    expect(url).toContain(address);
    const created = await gradwatch(
      ["keys", "create", "--owner", "lab", "--scopes", "ingest", "--projects", "far", "--json", "--url", url],
      {
        environment: { GRADWATCH_CA: certFile },
      },
    );
    expect(created.stderr).toBe("");
    const { secret } = JSON.parse(created.stdout) as CreatedKey;
    const script = `import { init } from "@gradwatch/sdk"; const run = init({ project: "far", id: "r", spool: ${JSON.stringify(folder)} });
      run.log({ loss: 1 }); const { acknowledged, pending } = await run.finish(); console.log(JSON.stringify({ acknowledged, pending }));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", "--input-type=module", "-e", script], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      env: { ...process.env, GRADWATCH_URL: `https://${reached().grpc()}`, GRADWATCH_API_KEY: secret, GRADWATCH_CA: certFile },
    });
    expect(JSON.parse(stdout)).toEqual({ acknowledged: 1, pending: 0 });
    const { status, text } = await ask(`${url}/api/v1/runs?project=far`, { ca, key: localKey(reached().grpc()) });
    expect(status).toBe(200);
    expect((JSON.parse(text) as RunPage).runs.map(({ run }) => run)).toEqual(["r"]);
  });

  test("nobody gets anything without a key", async () => {
    expect((await ask(`${reached().http()}/api/v1/runs`, { ca })).status).toBe(401);
    const opening = create(OpenRunRequestSchema, {
      project: "far",
      runId: "x",
      producer: new Uint8Array(16),
      protocolMin: 1,
      protocolMax: 1,
    });
    expect(statusOf(await call({ address: reached().grpc(), ca }, "openRun", opening))).toBe("UNAUTHENTICATED");
  });

  test("nothing is spoken in the clear, and a certificate that is not trusted ends it", async () => {
    const key = localKey(reached().grpc());
    await expect(ask(reached().http().replace("https:", "http:"), { key })).rejects.toThrow(/hang up|ECONNRESET/);
    await expect(ask(reached().http(), { key })).rejects.toThrow(/self.signed/);
    expect(statusOf(await call({ address: reached().grpc(), key }, "openRun", create(OpenRunRequestSchema)))).toBe("UNAVAILABLE");
  });
});

describe("starting", () => {
  const start = async (flags: readonly string[]): Promise<string> => {
    const ports = ["--http-port", "0", "--grpc-port", "0", "--data", join(folder, "data")];
    const { code, stderr } = await gradwatch(["serve", ...ports, ...flags]);
    expect(code).toBe(1);
    return stderr;
  };

  test("without TLS is refused, and it says what to do", async () => {
    const said = await start(["--host", address as string]);
    expect(said).toMatch(/--host is .*which other machines may reach.*--tls-cert and --tls-key.*--behind-proxy.*127\.0\.0\.1/);
  });

  test("with half of TLS is refused", async () => {
    expect(await start(["--tls-cert", certFile])).toContain("--tls-cert is given alone");
    expect(await start(["--tls-cert", certFile, "--tls-key", join(folder, "nowhere")])).toMatch(/nowhere.*ENOENT|ENOENT.*nowhere/);
    expect(await start(["--tls-cert", certFile, "--tls-key", makeCertificate("other").key])).toContain("belong together");
  });

  test("behind a proxy goes without TLS, and takes a key all the same", async () => {
    const proxied = await startServer({ flags: ["--host", address as string, "--behind-proxy"] });
    try {
      expect(proxied.http()).toContain(`http://${address}`);
      expect((await ask(`${proxied.http()}/api/v1/runs`)).status).toBe(401);
      expect((await ask(`${proxied.http()}/api/v1/runs`, { key: localKey(proxied.grpc()) })).status).toBe(200);
    } finally {
      await proxied.dispose();
    }
  });
});
