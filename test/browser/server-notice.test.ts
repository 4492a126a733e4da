// The line that says the server's disk is nearly full, in a real browser over real servers whose thresholds are below what any
// disk has in use.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startServer } from "../processes/server-process.ts";
import { launchBrowser } from "./launch-browser.ts";

let browser: Browser | string;
beforeAll(async () => {
  browser = await launchBrowser();
});
beforeEach((testing) => {
  if (typeof browser === "string") testing.skip(browser);
});
afterAll(async () => {
  if (typeof browser !== "string") await browser.close();
});

test.each([
  { flags: ["--disk-warn", "100", "--disk-stop", "100"], state: null, says: null },
  {
    flags: ["--disk-warn", "0.0001", "--disk-stop", "100"],
    state: "low",
    says: /short of room: the disk of .* is [\d.]+ % full; from 100 %/,
  },
  { flags: ["--disk-stop", "0.0001"], state: "full", says: /No new data is taken: the disk of .* training processes keep theirs/ },
])("with $flags the page says $state", async ({ flags, state, says }) => {
  const server = await startServer({ flags });
  const page = await (browser as Browser).newPage();
  try {
    await page.goto(server.page());
    const notice = page.getByTestId("server-notice");
    await page.getByRole("navigation", { name: "Pages" }).waitFor();
    if (state === null) {
      await page.getByText("live").first().waitFor();
      expect(await notice.count()).toBe(0);
    } else {
      await notice.waitFor();
      expect([await notice.getAttribute("data-state"), await notice.innerText()]).toEqual([state, expect.stringMatching(says)]);
    }
  } finally {
    await page.close();
    await server.dispose();
  }
});
