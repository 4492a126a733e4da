// Every route and every RPC of a real server × everybody who may ask, held to the table in server/test/auth. Routes are read off
// the router and RPCs off the service: one without a row fails.

import { crc32 } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { BatchBodySchema, CloseRunRequestSchema, OpenRunRequestSchema, WriteRequestSchema } from "@gradwatch/proto";
import { init } from "@gradwatch/sdk";
import type { CreatedKey, IncidentPage } from "@gradwatch/server/api-types";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApi } from "../../server/src/api/app.ts";
import { rules } from "../../server/src/auth/authorize.ts";
import { type Asker, askers, expectedAccess, type Outcome } from "../../server/test/auth/expected-access.ts";
import { bareDeps } from "../../server/test/api/bare-api.ts";
import { localKey } from "../processes/local-key.ts";
import { type ServerProcess, startServer } from "../processes/server-process.ts";
import { ask, call, rpcNames, statusOf, writeOnce } from "./ask.ts";

const project = "secret-project";
const run = "r";
/** What is deleted here, so that the other answers still have something to keep to themselves. */
const doomed = "doomed";

/** Handlers and fallbacks; what is only passed through is registered as "ALL *" and for all of "/api/*", too. */
const routes = [
  ...new Set(
    createApi(bareDeps)
      .routes.filter(({ method, path }) => method !== "ALL" || path === "/api/*")
      .map(({ method, path }) => `${method} ${path === "/*" ? "*" : path}`),
  ),
];
const actions = [...routes, ...rpcNames.map((name) => `rpc ${name}`)];

let server: ServerProcess;
let incident: string;
let victims: ReadonlyMap<Asker, string>;
const keys = new Map<Asker, string>();

async function newKey(scopes: readonly string[], of: string, more: object = {}): Promise<CreatedKey> {
  const body = { owner: "somebody", scopes, projects: [of], ...more };
  const { text } = await ask(`${server.http()}/api/v1/keys`, { method: "POST", body, key: localKey(server.grpc()) });
  return JSON.parse(text) as CreatedKey;
}

beforeAll(async () => {
  server = await startServer({ flags: ["--auth-failures-max", "1000000"] });
  const local = localKey(server.grpc());
  for (const scope of ["ingest", "read", "write", "control", "admin"] as const) keys.set(scope, (await newKey([scope], project)).secret);
  keys.set("elsewhere", (await newKey(["ingest", "read", "write", "control", "admin"], "elsewhere")).secret);
  keys.set("expired", (await newKey(["admin"], project, { expiresInMs: 1 })).secret);
  const revoked = await newKey(["admin"], project);
  keys.set("revoked", revoked.secret);
  await ask(`${server.http()}/api/v1/keys/${revoked.key.id}`, { method: "DELETE", key: local });
  keys.set("bad", `gw_${"0".repeat(12)}_${"0".repeat(64)}`);
  const victim = async (asker: Asker): Promise<[Asker, string]> => [asker, (await newKey(["read"], project)).key.id];
  victims = new Map(await Promise.all(askers.map(victim)));

  const training = init({ project, id: run, url: server.grpc(), verbose: false, config: { [project]: 1 } });
  training.log({ loss: Number.NaN }, { step: 1 });
  await training.finish();
  await init({ project, id: doomed, url: server.grpc(), verbose: false }).finish();
  // What a rule found is stored before the end of its run is taken.
  const { text } = await ask(`${server.http()}/api/v1/alerts`, { key: local });
  incident = (JSON.parse(text) as IncidentPage).incidents[0]?.id ?? "";
  if (incident === "") throw new Error(`no incident was found: ${text}`);
});
afterAll(() => server.dispose());

/** What has to stand in the address for the route to have something to answer. */
const queries: Readonly<Record<string, string>> = {
  "GET /api/v1/runs": `?${new URLSearchParams({ filter: `not project = "elsewhere"` }).toString()}`,
  "GET /api/v1/runs/facets": "?fields=project,id",
  "GET /api/v1/runs/groups": "?by=project",
  "GET /api/v1/projects/:project/runs/:run/images/data": "?name=n&step=0",
  "GET /api/v1/projects/:project/runs/:run/tensors/matrix": "?kind=weight",
  "GET /api/v1/projects/:project/runs/:run/tensors/histograms": "?kind=weight&name=w",
  "GET /api/v1/projects/:project/runs/:run/tensors/units": "?kind=input&name=x",
};
const bodies: Readonly<Record<string, unknown>> = {
  "POST /api/v1/series": { runs: [{ project, run }], metrics: ["loss"] },
  "PATCH /api/v1/projects/:project/runs/:run": { notes: "seen" },
  "PATCH /api/v1/projects/:project/retention": { console: 36_500 },
  "POST /api/v1/keys": { owner: "another", scopes: ["read"], projects: [project] },
  // Nothing that could be a key: what is asked here is whether the door is there.
  "POST /api/v1/session": {},
};

async function askRoute(action: string, asker: Asker): Promise<string> {
  const [method = "", pattern = ""] = action.split(" ");
  const path = pattern
    .replace("/api/*", "/api/nothing")
    .replace("*", "/")
    .replace(":project", project)
    .replace(":run", method === "DELETE" || pattern.endsWith("/undelete") ? doomed : run)
    .replace(":name", `by-${asker}`)
    .replace(":id", pattern.includes("/keys/") ? (victims.get(asker) ?? "") : incident);
  const { status, text } = await ask(`${server.http()}${path}${queries[action] ?? ""}`, {
    method: method === "ALL" ? "GET" : method,
    key: keys.get(asker),
    body: bodies[action],
    streams: pattern.endsWith("/events"),
  });
  if (status === 401 || status === 403) return String(status);
  if (status >= 429) return `${status}: ${text}`;
  const seen = [project, incident, victims.get(asker) ?? ""].some((name) => text.replace(path, "").includes(name) && status === 200);
  return seen || expectedAccess.get(action)?.[asker] !== "void" ? "ok" : "void";
}

const producer = new Uint8Array(16).fill(7);

/** To an RPC that gets through, the server says what is wrong with the run. */
async function askRpc(action: string, asker: Asker): Promise<string> {
  const road = { address: server.grpc(), key: keys.get(asker) };
  const body = toBinary(BatchBodySchema, create(BatchBodySchema, { project, runId: "never-opened", ver: 1n }));
  const batch = create(WriteRequestSchema, { message: { case: "batch", value: { producer, seq: 1n, crc32: crc32(body), body } } });
  const request = { project, runId: `of-${asker}`, producer, protocolMin: 1, protocolMax: 1 };
  const answer =
    action === "rpc Write"
      ? await writeOnce(road, batch)
      : action === "rpc OpenRun"
        ? await call(road, "openRun", create(OpenRunRequestSchema, request))
        : await call(road, "closeRun", create(CloseRunRequestSchema, { ...request, runId: "never-opened" }));
  const code = statusOf(answer);
  const outcomes: Readonly<Record<string, Outcome>> = { UNAUTHENTICATED: "401", PERMISSION_DENIED: "403", OK: "ok", NOT_FOUND: "ok" };
  return outcomes[code] ?? code;
}

test("every route and RPC has a row, and every row a route or RPC", () => {
  expect([...expectedAccess.keys()].toSorted()).toEqual(actions.toSorted());
  expect(Object.keys(rules).toSorted()).toEqual(actions.toSorted());
});

describe.each(actions)("%s", (action) => {
  test.each(askers)("asked by %s", async (asker) => {
    const outcome = action.startsWith("rpc ") ? await askRpc(action, asker) : await askRoute(action, asker);
    expect(outcome).toBe(expectedAccess.get(action)?.[asker]);
  });
});
