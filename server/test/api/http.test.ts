// What every route has in common: the guard, problems, headers, the OpenAPI document, health, the page.

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createApi } from "../../src/api/app.ts";
import { Rule } from "../../src/api/schema.ts";
import { type Store, StoreError } from "../../src/storage/store.ts";
import { type ApiUnderTest, apiUnderTest, host, insertPoints, insertRun } from "./api-under-test.ts";
import { bareDeps, bareStore } from "./bare-api.ts";

const pageFolder = mkdtempSync(join(tmpdir(), "gradwatch-page-"));
mkdirSync(join(pageFolder, "assets"));
writeFileSync(join(pageFolder, "index.html"), "<!doctype html><title>Gradwatch</title>");
writeFileSync(join(pageFolder, "assets", "app-abc123.js"), "export {};");

const status = { rule: "non-finite", title: "t", status: "quiet", needs: null } as const;
let under: ApiUnderTest;
let ready = true;
beforeAll(async () => {
  under = await apiUnderTest({
    pageFolder,
    ready: () => ready,
    ruleStatus: async (_project, run) => (run === "watched" ? [status] : undefined),
  });
});
afterAll(() => under.close());

const fetchPath = async (path: string, init: RequestInit = {}): Promise<Response> => await under.api.request(`http://${host}${path}`, init);

describe("host guard", () => {
  test.each([
    { name: "the bound address", headers: { host }, expected: 200 },
    { name: "another case", headers: { host: host.toUpperCase() }, expected: 200 },
    { name: "the page's own script", headers: { host, origin: `http://${host}` }, expected: 200 },
    { name: "a name of another site", headers: { host: "evil.example:7070" }, expected: 421 },
    { name: "the right name on another port", headers: { host: "127.0.0.1:9999" }, expected: 421 },
    { name: "another site's script", headers: { host, origin: "https://evil.example" }, expected: 403 },
    { name: "a sandboxed frame", headers: { host, origin: "null" }, expected: 403 },
    { name: "a name that begins like ours", headers: { host, origin: `http://${host}.evil.example` }, expected: 403 },
  ])("$name gets $expected", async ({ headers, expected }) => {
    for (const path of ["/api/v1/rules", "/", "/metrics"]) {
      const response = await fetchPath(path, { headers });
      expect(response.status).toBe(expected);
      if (expected !== 200)
        expect(await response.json()).toMatchObject({ status: expected, detail: expect.stringContaining("--allowed-hosts") });
    }
  });

  test("an allowed name without a port answers on any", async () => {
    const api = createApi({ ...bareDeps, allowedHosts: () => ["gradwatch.example"] });
    const get = async (name: string): Promise<number> => (await api.request("http://x/healthz", { headers: { host: name } })).status;
    expect(await get("gradwatch.example")).toBe(200);
    expect(await get("gradwatch.example:8443")).toBe(200);
    expect(await get("gradwatch.example.evil")).toBe(421);
  });
});

describe("problems", () => {
  const json = { "content-type": "application/json" };
  test.each([
    ["/api/v1/runs?limit=0", {}, 400, "limit"],
    ["/api/v1/runs?limit=1e9", {}, 400, "limit"],
    ["/api/v1/runs?state=asleep", {}, 400, "state"],
    ["/api/v1/runs?cursor=nonsense", {}, 400, "cursor"],
    ["/api/v1/alerts?cursor=MTIzOm5vdCBoZXg", {}, 400, "cursor"],
    ["/api/v1/series", { method: "POST", headers: json, body: "{}" }, 400, "runs"],
    ["/api/v1/series", { method: "POST", headers: json, body: "{" }, 400, "JSON"],
    [
      "/api/v1/series",
      { method: "POST", headers: json, body: JSON.stringify({ runs: [{ project: "p", run: 7 }], metrics: ["m"] }) },
      400,
      "runs.0.run",
    ],
    ["/api/v1/series", { method: "POST", headers: json, body: `"${"x".repeat(1024 * 1024)}"` }, 422, "1048576 bytes"],
    ["/api/v1/projects/p/runs/none", {}, 404, '"none"'],
    ["/api/v1/projects/p/runs/none/metrics", {}, 404, '"none"'],
    ["/api/v1/projects/p/runs/none/rules", {}, 404, '"none"'],
    ["/api/v1/projects/p/runs/none/tensors", {}, 404, '"none"'],
    ["/api/v1/alerts/none", {}, 404, '"none"'],
    ["/api/v1/nothing", {}, 404, "/api/v1/nothing"],
    ["/api/v1/runs", { method: "DELETE" }, 404, "DELETE"],
  ] as [string, RequestInit, number, string][])("%s %o is %i and names %s", async (path, init, expected, named) => {
    const problem = await under.problem(path, init);
    expect(problem.status).toBe(expected);
    expect(problem.detail).toContain(named);
    expect(problem.type).toMatch(/^https:\/\/gradwatch\.dev\/problems\//);
  });

  test("validation errors carry their paths", async () => {
    const problem = await under.problem("/api/v1/series", {
      method: "POST",
      headers: json,
      body: JSON.stringify({ runs: [], metrics: [""] }),
    });
    expect(problem.errors?.map(({ path }) => path)).toEqual(["runs", "metrics.0"]);
  });

  test.each([
    ["unavailable", 503, "2"],
    ["timeout", 504, null],
    ["limit", 422, null],
    ["rejected", 500, null],
  ] as const)("a store that says %s gives %i, without the store's own words", async (code, expected, retryAfter) => {
    const told: unknown[] = [];
    const failing = { ...bareStore, read: () => Promise.reject(new StoreError(code, "SELECT secret", undefined)) };
    const api = createApi({ ...bareDeps, store: failing, failed: (_what, error) => told.push(error) });
    const response = await api.request(`http://${host}/api/v1/runs`);
    expect(response.status).toBe(expected);
    expect(response.headers.get("retry-after")).toBe(retryAfter);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.text()).not.toContain("secret");
    expect(told).toHaveLength(code === "rejected" ? 1 : 0);
  });

  test("a query that is too wide is refused with the limit", async () => {
    const wide = { project: "p", run: "wide" };
    await insertRun(under.store, wide);
    const metrics = Array.from({ length: 120 }, (_, i) => `m${i}`);
    const steps = Array.from({ length: 9000 }, (_, i) => i);
    const values = new Float64Array(9000);
    await insertPoints(
      under.store,
      wide,
      metrics.map((metric) => ({ metric, steps, values })),
    );
    const body = JSON.stringify({ runs: [wide], metrics, maxBuckets: 10_000 });
    const problem = await under.problem("/api/v1/series", { method: "POST", headers: json, body });
    expect(problem).toMatchObject({ status: 422, detail: expect.stringContaining("1080000 buckets; the limit is 1000000") });
  });

  test("an aborted request aborts its query", async () => {
    const gone = new AbortController();
    const seen: (AbortSignal | undefined)[] = [];
    const watching: Store = {
      ...bareStore,
      read: async (_query, _parameters, options) => {
        seen.push(options?.signal);
        return [];
      },
    };
    const api = createApi({ ...bareDeps, store: watching });
    await api.request(`http://${host}/api/v1/runs`, { signal: gone.signal });
    gone.abort();
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((signal) => signal?.aborted)).toBe(true);
  });
});

describe("headers", () => {
  test.each(["/", "/api/v1/rules", "/api/v1/nothing", "/openapi.json"])("%s keeps strangers' text from becoming code", async (path) => {
    const { headers } = await fetchPath(path);
    expect(headers.get("content-security-policy")).toMatch(/default-src 'self'.*frame-ancestors 'none'/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
  });

  test("long JSON is compressed, for those who can read it", async () => {
    const response = await fetchPath("/api/v1/rules", { headers: { "accept-encoding": "gzip" } });
    expect(response.headers.get("content-encoding")).toBe("gzip");
    const { rules } = z
      .object({ rules: z.array(Rule) })
      .parse(JSON.parse(gunzipSync(Buffer.from(await response.arrayBuffer())).toString()));
    expect(rules.map(({ id }) => id)).toContain("non-finite");
    expect((await fetchPath("/api/v1/rules")).headers.get("content-encoding")).toBeNull();
  });
});

describe("page", () => {
  test.each([
    ["/", 200, "text/html; charset=utf-8", "no-cache"],
    ["/projects/p/runs/r", 200, "text/html; charset=utf-8", "no-cache"],
    ["/projects/p/runs/v1.5", 200, "text/html; charset=utf-8", "no-cache"],
    ["/assets/app-abc123.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"],
    ["/assets/gone-abc.js", 404, "text/plain; charset=UTF-8", null],
    ["/..%2f..%2fpackage.json", 404, "text/plain; charset=UTF-8", null],
  ])("%s is %i, %s", async (path, expected, type, cache) => {
    const response = await fetchPath(path);
    expect(response.status).toBe(expected);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("cache-control")).toBe(cache);
  });

  test("a page that was not built says how to", async () => {
    const response = await createApi(bareDeps).request(`http://${host}/`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("npm run build:page");
  });
});

describe("health", () => {
  test("the server is ready when it says so and storage answers", async () => {
    expect((await fetchPath("/healthz")).status).toBe(200);
    expect((await fetchPath("/readyz")).status).toBe(200);
    ready = false;
    expect((await under.problem("/readyz")).status).toBe(503);
    ready = true;
    const away = createApi({ ...bareDeps, store: { ...bareStore, ping: async () => false } });
    expect((await away.request(`http://${host}/readyz`)).status).toBe(503);
    expect((await away.request(`http://${host}/healthz`)).status).toBe(200);
  });

  test("metrics count requests by route, never by what users type", async () => {
    await fetchPath("/api/v1/projects/some-project/runs/some-run");
    const text = await (await fetchPath("/metrics")).text();
    const lines = text.split("\n");
    const requests = lines.filter((line) => line.startsWith("gradwatch_http_seconds_count"));
    expect(requests).toContainEqual(expect.stringMatching(/route="\/api\/v1\/projects\/:project\/runs\/:run",status="404"} [1-9]/));
    expect(requests.filter((line) => line.includes("some-"))).toEqual([]);
    expect(lines).toContain("gradwatch_points_total 0");
  });
});

describe("openapi.json", () => {
  const operation = z.object({ summary: z.string(), responses: z.record(z.string(), z.object({ description: z.string() })) });
  const document = z.object({ openapi: z.literal("3.1.0"), paths: z.record(z.string(), z.record(z.string(), operation)) });

  test("every route is there with every way to fail", async () => {
    const { paths } = await under.get("/openapi.json", document);
    expect(Object.keys(paths).toSorted()).toEqual([
      "/api/v1/alerts",
      "/api/v1/alerts/{id}",
      "/api/v1/backups/{name}",
      "/api/v1/events",
      "/api/v1/keys",
      "/api/v1/keys/{id}",
      "/api/v1/me",
      "/api/v1/projects",
      "/api/v1/projects/{project}/retention",
      "/api/v1/projects/{project}/runs",
      "/api/v1/projects/{project}/runs/{run}",
      "/api/v1/projects/{project}/runs/{run}/classes",
      "/api/v1/projects/{project}/runs/{run}/console",
      "/api/v1/projects/{project}/runs/{run}/flight-recorder",
      "/api/v1/projects/{project}/runs/{run}/images",
      "/api/v1/projects/{project}/runs/{run}/images/data",
      "/api/v1/projects/{project}/runs/{run}/metrics",
      "/api/v1/projects/{project}/runs/{run}/rules",
      "/api/v1/projects/{project}/runs/{run}/stop",
      "/api/v1/projects/{project}/runs/{run}/tensors",
      "/api/v1/projects/{project}/runs/{run}/tensors/histograms",
      "/api/v1/projects/{project}/runs/{run}/tensors/matrix",
      "/api/v1/projects/{project}/runs/{run}/tensors/units",
      "/api/v1/projects/{project}/runs/{run}/undelete",
      "/api/v1/rules",
      "/api/v1/runs",
      "/api/v1/runs/facets",
      "/api/v1/runs/groups",
      "/api/v1/runs/keys",
      "/api/v1/series",
      "/api/v1/server",
      "/api/v1/session",
      "/api/v1/storage",
    ]);
    const failures = ["400", "401", "403", "404", "421", "422", "429", "500", "503", "504"];
    for (const [path, methods] of Object.entries(paths)) {
      const special = /\/(?:stop|flight-recorder)$/.test(path) ? ["202", "409"] : ["200"];
      for (const { responses } of Object.values(methods)) expect(Object.keys(responses)).toEqual([...failures, ...special].toSorted());
    }
  });

  test("every reference in it leads somewhere", async () => {
    const whole = await (await fetchPath("/openapi.json")).text();
    const parsed = JSON.parse(whole) as { components: { schemas: Record<string, unknown> } };
    const references = [...whole.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name as string);
    expect(references.length).toBeGreaterThan(10);
    for (const name of references) expect(parsed.components.schemas).toHaveProperty(name);
  });
});
