// Who gets into the page, in a real browser: by the address that the server prints, by a key that is typed, and no longer once the
// key is revoked.

import type { CreatedKey } from "@gradwatch/server/api-types";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type ServerProcess, startServer } from "../processes/server-process.ts";
import { launchBrowser } from "./launch-browser.ts";

let server: ServerProcess;
let browser: Browser | string;
let context: BrowserContext;
let page: Page;
const patience = { timeout: 30_000, interval: 100 };

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
});
beforeEach(async (testing) => {
  if (typeof browser === "string") return testing.skip(browser);
  context = await browser.newContext({ locale: "en-US" });
  page = await context.newPage();
});
afterEach(() => context?.close());
afterAll(async () => {
  if (typeof browser !== "string") await browser.close();
  await server.dispose();
});

const isIn = (): Promise<boolean> => page.getByRole("navigation", { name: "Pages" }).isVisible();
const asksForKey = (): Promise<boolean> => page.getByLabel("API key").isVisible();

async function newKey(scopes: readonly string[]): Promise<CreatedKey> {
  const response = await fetch(`${server.http()}/api/v1/keys`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ owner: "a person", scopes, projects: ["*"] }),
  });
  return (await response.json()) as CreatedKey;
}

async function typeKey(key: string): Promise<void> {
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("the printed address lets in, leaves no key in address or history, and a cookie that scripts cannot read", async () => {
  await page.goto(server.page());
  await expect.poll(isIn, patience).toBe(true);
  expect(page.url()).toBe(`${server.http()}/`);
  const cookies = await context.cookies();
  expect(cookies).toMatchObject([{ httpOnly: true, sameSite: "Strict", path: "/" }]);
  expect(await page.evaluate(() => document.cookie)).toBe("");
  await page.goto(`${server.http()}/alerts`);
  await expect.poll(isIn, patience).toBe(true);
});

test("the cookie may read, and neither manages keys nor sends data", async () => {
  await page.goto(server.page());
  await expect.poll(isIn, patience).toBe(true);
  const status = (path: string): Promise<number> => page.evaluate(async (to) => (await fetch(to)).status, path);
  expect(await status("/api/v1/runs")).toBe(200);
  expect(await status("/api/v1/keys")).toBe(403);
  const me = await page.evaluate(async () => ((await (await fetch("/api/v1/me")).json()) as { scopes: string[] }).scopes);
  expect(me).toEqual(["read", "write", "control"]);
});

test("without a key the page asks for one, tells why another is not taken, and lets in with the right one until that is revoked", async () => {
  await page.goto(`${server.http()}/alerts`);
  await expect.poll(asksForKey, patience).toBe(true);
  await typeKey("gw_nonsense");
  await expect.poll(() => page.getByRole("alert").innerText(), patience).toContain("is none");
  await typeKey((await newKey(["ingest"])).secret);
  await expect.poll(() => page.getByRole("alert").innerText(), patience).toContain("the page needs read");
  const { key, secret } = await newKey(["read"]);
  await typeKey(secret);
  await expect.poll(isIn, patience).toBe(true);
  await fetch(`${server.http()}/api/v1/keys/${key.id}`, { method: "DELETE" });
  await expect.poll(asksForKey, patience).toBe(true);
});
