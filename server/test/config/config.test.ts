// The one configuration: flags win over environment, environment over the file, the file over defaults.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Config, configKeys, flagOf, loadConfig, variableOf } from "../../src/config.ts";

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gradwatch-config-"));
  file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify({ httpPort: 1, grpcPort: 2, logLevel: "warn" }));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("with nothing given, everything has its default", () => {
  expect(loadConfig({ flags: {}, environment: {} })).toMatchObject({
    host: "127.0.0.1",
    httpPort: 7070,
    grpcPort: 7071,
    database: "gradwatch",
    engineMemory: 1024,
    allowedHosts: [],
  });
});

test("flags win over environment, environment over the file, the file over defaults", () => {
  const environment = { GRADWATCH_GRPC_PORT: "20", GRADWATCH_LOG_LEVEL: "error" };
  expect(loadConfig({ flags: { logLevel: "debug" }, environment, file })).toMatchObject({ httpPort: 1, grpcPort: 20, logLevel: "debug" });
});

test("CLICKHOUSE_URL is read, and GRADWATCH_CLICKHOUSE_URL wins over it", () => {
  expect(loadConfig({ flags: {}, environment: { CLICKHOUSE_URL: "http://a:1" } }).clickhouseUrl).toBe("http://a:1");
  expect(
    loadConfig({ flags: {}, environment: { CLICKHOUSE_URL: "http://a:1", GRADWATCH_CLICKHOUSE_URL: "http://b:2" } }).clickhouseUrl,
  ).toBe("http://b:2");
});

test("~ is the home folder, and a list is split and trimmed", () => {
  const config = loadConfig({ flags: { data: "~/here", allowedHosts: " a.example , b.example:80,," }, environment: {} });
  expect(config.data).toBe(join(homedir(), "here"));
  expect(config.allowedHosts).toEqual(["a.example", "b.example:80"]);
});

test("every key is described and has a flag and a variable of its own", () => {
  expect(configKeys.filter((key) => !Config.shape[key].description)).toEqual([]);
  expect(new Set(configKeys.map(flagOf)).size).toBe(configKeys.length);
  expect(configKeys.map(variableOf)).toContain("GRADWATCH_ENGINE_MEMORY");
});

test.each([
  { name: "a file that is not there", file: "/no/such/file.json", says: "there is no such file" },
  { name: "a file that is no JSON object", file: "list", says: "is not a JSON object" },
])("$name is said", ({ file: given, says }) => {
  const path = given === "list" ? join(folder, "list.json") : given;
  if (given === "list") writeFileSync(path, "[1]");
  expect(() => loadConfig({ flags: {}, environment: {}, file: path })).toThrow(says);
});
