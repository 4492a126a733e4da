// A real Chromium: the one at CHROME_PATH, or the one that an npm package carries (Linux x64, no system libraries).

import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import bundled from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

/** A string is the reason why there is no browser here. */
export async function launchBrowser(): Promise<Browser | string> {
  const given = process.env["CHROME_PATH"];
  if (given !== undefined) {
    if (!existsSync(given)) return `browser: CHROME_PATH is ${given}; there is no such file`;
    return await chromium.launch({ executablePath: given });
  }
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `browser: none is bundled for ${process.platform} ${process.arch}; set CHROME_PATH`;
  }
  // Its own arguments are for functions in a cloud: one process, no web security. Only its sandbox has to go: it wants root.
  const executablePath = await bundled.executablePath();
  for (;;) {
    try {
      return await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    } catch (error) {
      // Another test file's process is still unpacking it.
      if (!String(error).includes("ETXTBSY")) throw error;
      await delay(200);
    }
  }
}
