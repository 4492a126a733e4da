// The life of keys on a real server: made and ended by command, found in files by the same user's programs, ended while a training
// runs without a point being lost, and bound to the runs that they opened.

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { keyFile, keyFolder, type OpenRunResponse, OpenRunRequestSchema, readKey, writeKey } from "@gradwatch/proto";
import { init } from "@gradwatch/sdk";
import type { ApiKey, CreatedKey } from "@gradwatch/server/api-types";
import type { ServiceError } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { localKey } from "../processes/local-key.ts";
import { type ServerProcess, startServer } from "../processes/server-process.ts";
import { ask, call, listen, statusOf } from "./ask.ts";
import { gradwatch } from "./gradwatch-command.ts";

const patience = { timeout: 30_000, interval: 100 };
let server: ServerProcess;
let local: string;
/** Of another user: without the server's own key. */
let elsewhere: string;

beforeAll(async () => {
  server = await startServer({ flags: ["--auth-failures-max", "5"] });
  local = localKey(server.grpc());
});
beforeEach(() => {
  elsewhere = mkdtempSync(join(tmpdir(), "gradwatch-elsewhere-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(elsewhere, { recursive: true });
});
afterAll(() => server.dispose());

async function newKey(scopes: string, projects: string, ...more: readonly string[]): Promise<CreatedKey> {
  const given = ["--owner", "ada", "--scopes", scopes, "--projects", projects, "--json", "--url", server.http(), ...more];
  const { stdout, stderr } = await gradwatch(["keys", "create", ...given]);
  expect(stderr).toBe("");
  return JSON.parse(stdout) as CreatedKey;
}

const status = async (key: string): Promise<number> => (await ask(`${server.http()}/api/v1/runs`, { key })).status;

describe("by command", () => {
  test("a key is created, listed and revoked", async () => {
    const created = await gradwatch(
      "keys create --owner ada --scopes ingest,read --projects a,b --expires 30d --url".split(" ").concat(server.http()),
    );
    const secret = created.stdout.trim();
    expect(secret).toMatch(/^gw_[\da-f]{12}_[\da-f]{64}$/);
    expect(created.stderr).toContain("not shown again");
    const id = secret.split("_")[1] as string;
    expect(await status(secret)).toBe(200);

    const listed = await gradwatch(["keys", "list", "--url", server.http()]);
    expect(listed.stdout).toMatch(new RegExp(`${id} +ada +ingest,read +a,b +active +\\d{4}-`));
    expect(listed.stdout).not.toContain(secret.split("_")[2]);

    expect((await gradwatch(["keys", "revoke", id, "--url", server.http()])).stdout).toContain("revoked");
    expect(await status(secret)).toBe(401);
    const all = JSON.parse((await gradwatch(["keys", "list", "--json", "--url", server.http()])).stdout) as ApiKey[];
    expect(all.find((key) => key.id === id)).toMatchObject({ state: "revoked", projects: ["a", "b"] });
  });

  test("what is wrong is told in one line", async () => {
    const wrongScope = await gradwatch(["keys", "create", "--owner", "a", "--scopes", "reed", "--projects", "a", "--url", server.http()]);
    expect(wrongScope.stderr).toContain("there are ingest, read, write, control, admin");
    const { secret } = await newKey("read", "a");
    const environment = { GRADWATCH_API_KEY: secret };
    const forbidden = await gradwatch(["keys", "list", "--url", server.http()], { environment });
    expect(forbidden).toMatchObject({ code: 1, stdout: "" });
    expect(forbidden.stderr).toMatch(/^gradwatch: GET \/api\/v1\/keys takes the scope admin; key [\da-f]+ of ada has read\..*\n$/);
    const unknown = await gradwatch(["keys", "list", "--url", server.http()], { environment: { GRADWATCH_KEYS: elsewhere } });
    expect(unknown.stderr).toMatch(/^gradwatch: there is no key for http.*gradwatch login.*\n$/);
  });

  test("an admin of one project gives keys for it alone, and sees no others", async () => {
    const { secret } = await newKey("admin", "mine");
    const environment = { GRADWATCH_API_KEY: secret };
    const create = (projects: string): ReturnType<typeof gradwatch> =>
      gradwatch(["keys", "create", "--owner", "b", "--scopes", "read", "--projects", projects, "--url", server.http()], { environment });
    expect((await create("mine")).code).toBe(0);
    expect((await create("*")).stderr).toContain('not for project "*"');
    expect((await create("mine,theirs")).stderr).toContain('not for project "theirs"');
    const seen = JSON.parse((await gradwatch(["keys", "list", "--json", "--url", server.http()], { environment })).stdout) as ApiKey[];
    expect(new Set(seen.flatMap(({ projects }) => projects))).toEqual(new Set(["mine"]));
  });

  test("login keeps a key that works, for page and data, readable by its user alone; and no other", async () => {
    const environment = { GRADWATCH_KEYS: join(elsewhere, "keys") };
    const { secret } = await newKey("ingest", "a");
    const wrong = await gradwatch(["login", "--url", server.http()], { stdin: "gw_wrong\n", environment });
    expect(wrong).toMatchObject({ code: 1 });
    expect(readKey(environment.GRADWATCH_KEYS, server.grpc())).toBeUndefined();
    expect(await gradwatch(["login", "--url", server.http()], { stdin: `${secret}\n`, environment })).toMatchObject({
      code: 0,
      stderr: "",
    });
    for (const address of [server.grpc(), new URL(server.http()).host]) {
      expect(readKey(environment.GRADWATCH_KEYS, address)).toBe(secret);
      expect(statSync(keyFile(environment.GRADWATCH_KEYS, address)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(environment.GRADWATCH_KEYS).mode & 0o777).toBe(0o700);
  });
});

test("the server's own key and its data are its user's alone", () => {
  const file = keyFile(keyFolder(process.env), server.grpc());
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  expect(statSync(server.dataFolder).mode & 0o777).toBe(0o700);
});

test("a training whose key is revoked says so once, loses nothing, and goes on with the key that replaces it", async () => {
  vi.stubEnv("GRADWATCH_KEYS", elsewhere);
  const said: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((line) => said.push(String(line)) > 0);
  const asAdmin = { GRADWATCH_API_KEY: local };
  const make = async (...more: readonly string[]): Promise<CreatedKey> => {
    const given = ["--owner", "ada", "--scopes", "ingest", "--projects", "p", "--json", "--url", server.http(), ...more];
    return JSON.parse((await gradwatch(["keys", "create", ...given], { environment: asAdmin })).stdout) as CreatedKey;
  };
  const first = await make();
  writeKey(elsewhere, server.grpc(), first.secret);

  const run = init({ project: "p", id: "survives", url: server.grpc() });
  const stored = async (): Promise<string> => (await ask(`${server.http()}/api/v1/projects/p/runs/survives/metrics`, { key: local })).text;
  run.log({ loss: 1 }, { step: 0 });
  await expect.poll(stored, patience).toContain('"points":1');
  await ask(`${server.http()}/api/v1/keys/${first.key.id}`, { method: "DELETE", key: local });
  await expect.poll(() => said.join(""), patience).toMatch(/does not take data for run p\/survives: the key was revoked/);
  for (let step = 1; step < 10; step++) run.log({ loss: 1 }, { step });
  writeKey(elsewhere, server.grpc(), (await make("--replaces", first.key.id)).secret);
  expect(await run.finish()).toMatchObject({ logged: 10, acknowledged: 10, dropped: {}, pending: 0 });
  expect(said.filter((line) => line.includes("does not take data"))).toHaveLength(1);
  expect(await stored()).toContain('"points":10');
});

test("open streams hear that their key was revoked, and end; those of other keys go on", async () => {
  const { key, secret } = await newKey("ingest,read", "p");
  const stream = listen({ address: server.grpc(), key: secret });
  const other = listen({ address: server.grpc(), key: local });
  const events = await fetch(`${server.http()}/api/v1/events`, { headers: { authorization: `Bearer ${secret}` } });
  expect(events.status).toBe(200);
  const rest = events.text();
  await ask(`${server.http()}/api/v1/keys/${key.id}`, { method: "DELETE", key: local });
  await expect.poll(() => stream.heard, patience).toEqual(["keyRevoked", "UNAUTHENTICATED"]);
  expect(await rest).toContain("retry:");
  expect(other.heard).toEqual([]);
  stream.close();
  other.close();
});

describe("a run belongs to the key that opened it", () => {
  const opening = (runId: string, runToken = "") =>
    create(OpenRunRequestSchema, {
      project: "p",
      runId,
      runToken,
      producer: crypto.getRandomValues(new Uint8Array(16)),
      protocolMin: 1,
      protocolMax: 1,
    });
  const open = async (key: string, runId: string, token?: string): Promise<OpenRunResponse | ServiceError> =>
    await call<OpenRunResponse>({ address: server.grpc(), key }, "openRun", opening(runId, token));

  test("another is let in by the run's token, and stays in; a wrong token does nothing", async () => {
    const [owner, other] = [(await newKey("ingest", "p")).secret, (await newKey("ingest", "p")).secret];
    const opened = (await open(owner, "guarded")) as OpenRunResponse;
    expect(opened.runToken).toMatch(/^gwr_[\da-f]{64}$/);
    expect(((await open(owner, "guarded")) as OpenRunResponse).runToken).toBe(opened.runToken);
    const refused = (await open(other, "guarded")) as ServiceError;
    expect(statusOf(refused)).toBe("PERMISSION_DENIED");
    expect(refused.details).toMatch(/run p\/guarded was opened by another key.*GRADWATCH_RUN_TOKEN/);
    expect(statusOf(await open(other, "guarded", opened.runToken.replace(/.$/, "x")))).toBe("PERMISSION_DENIED");
    const ofAnother = (await open(owner, "another")) as OpenRunResponse;
    expect(statusOf(await open(other, "guarded", ofAnother.runToken))).toBe("PERMISSION_DENIED");
    expect(statusOf(await open(other, "guarded", opened.runToken))).toBe("OK");
    expect(statusOf(await open(other, "guarded"))).toBe("OK");
  });

  test("the SDK hands on and gives the token", async () => {
    const [owner, other] = [(await newKey("ingest", "p")).secret, (await newKey("ingest", "p")).secret];
    const common = { project: "p", id: "shared", url: server.grpc(), verbose: false };
    const first = init({ ...common, apiKey: owner });
    first.log({ a: 1 });
    await expect.poll(() => first.runToken, patience).not.toBe("");
    const second = init({ ...common, apiKey: other, rank: 1, runToken: first.runToken });
    second.log({ a: 2 });
    expect(await second.finish()).toMatchObject({ acknowledged: 1, pending: 0 });
    expect(await first.finish()).toMatchObject({ acknowledged: 1, pending: 0 });
  });
});

test("wrong keys are counted, and soon told to wait; right ones from the same address are not", async () => {
  const wrong = (n: number): string => `gw_${String(n).repeat(12)}_${"0".repeat(64)}`;
  const answers: number[] = [];
  for (let n = 1; n <= 7; n++) answers.push(await status(wrong(n)));
  expect(answers.at(-1)).toBe(429);
  expect(statusOf(await call({ address: server.grpc(), key: wrong(1) }, "openRun", create(OpenRunRequestSchema)))).toBe(
    "RESOURCE_EXHAUSTED",
  );
  expect(await status(local)).toBe(200);
  const { text } = await ask(`${server.http()}/metrics`, { key: local });
  expect(text).toMatch(/gradwatch_access_refused_total\{via="http",reason="too-many"\} \d/);
  expect(text).toMatch(/gradwatch_access_refused_total\{via="grpc",reason="too-many"\} [1-9]/);
});
