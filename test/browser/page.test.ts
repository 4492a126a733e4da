// The page in a real browser, over a real server that a real process logs to: what people see while it trains.

import { AxeBuilder } from "@axe-core/playwright";
import { init, type Run } from "@gradwatch/sdk";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ServerProcess, startServer } from "../processes/server-process.ts";
import { seededRandom } from "../seeded-random.ts";
import { launchBrowser } from "./launch-browser.ts";

let server: ServerProcess;
let browser: Browser | string;
let context: BrowserContext | undefined;
let page: Page;
const complaints: string[] = [];
/** Real processes take the time they take; nothing is measured by it. */
const patience = { timeout: 30_000, interval: 100 };

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
});

beforeEach(async (testing) => {
  if (typeof browser === "string") testing.skip(browser);
  else await openPage(browser, "light");
});

afterEach(async () => {
  await context?.close();
  context = undefined;
  const said = complaints.splice(0);
  if (said.length > 0) throw new Error(`errors in the browser's console: ${said.join("; ")}`);
});

afterAll(async () => {
  if (typeof browser !== "string") await browser.close();
  await server.dispose();
});

async function openPage(from: Browser, colorScheme: "light" | "dark", locale: "en-US" | "system" = "en-US"): Promise<void> {
  await context?.close();
  context = await from.newContext({ ...(locale === "system" ? {} : { locale }), viewport: { width: 1300, height: 900 }, colorScheme });
  page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(server.page());
  await expect.poll(() => page.getByTestId("live-state").getAttribute("data-state"), patience).toBe("live");
}

const startRun = (id: string): Run => init({ project: "page", id, url: server.grpc(), verbose: false, config: { lr: 0.1 } });

const chartValue = async (metric: string, name: string): Promise<number> =>
  Number(
    (await page
      .getByTestId("chart")
      .and(page.locator(`[data-metric="${metric}"]`))
      .getAttribute(`data-${name}`)) ?? -1,
  );

/** Six layers' gradients, as a training would log them. */
function logGradients(run: Run, step: number, scale: number): void {
  const random = seededRandom(step);
  for (let layer = 0; layer < 6; layer++) {
    const values = Float32Array.from({ length: 200 }, () => random.normal() * scale);
    run.logTensor(`layer_${layer}/kernel`, values, {
      kind: "gradient",
      layer: `layer_${layer}`,
      topologicalIndex: layer,
      role: "kernel",
      shape: [10, 20],
      step,
    });
  }
}

describe("the page", () => {
  test("a chart moves and an alert appears while a process logs, without a reload", async () => {
    const run = startRun("moving");
    for (let step = 0; step < 100; step++) run.log({ loss: 2 - step / 100 }, { step });
    const exists = async (): Promise<number> => (await fetch(`${server.http()}/api/v1/projects/page/runs/moving`)).status;
    await expect.poll(exists, patience).toBe(200);
    await page.goto(`${server.http()}/projects/page/runs/moving`);
    await expect.poll(() => chartValue("loss", "step-max"), patience).toBe(99);
    await expect.poll(() => page.getByTestId("live-state").getAttribute("data-state"), patience).toBe("live");
    expect(await page.getByTestId("alert-card").count()).toBe(0);

    for (let step = 100; step < 200; step++) run.log({ loss: 2 - step / 200 }, { step });
    await expect.poll(() => chartValue("loss", "step-max"), patience).toBe(199);

    run.log({ loss: Number.NaN }, { step: 200 });
    const alert = page.getByTestId("alert-card");
    await expect.poll(() => alert.count(), patience).toBe(1);
    expect(await alert.getAttribute("data-rule")).toBe("non-finite");
    await expect.poll(() => alert.innerText(), patience).toContain("First bad step\n200");
    expect(await alert.innerText()).toContain("What to try");
    await expect.poll(() => chartValue("loss", "non-finite"), patience).toBe(1);
    await run.finish();
    await expect.poll(() => page.locator(".run-head").innerText(), patience).toContain("finished");
  });

  test("a spike of one step among 50 000 is in the chart, and in its words and numbers", async () => {
    const run = startRun("spike");
    for (let step = 0; step < 50_000; step++) run.log({ loss: step === 31_415 ? 999 : 1 }, { step });
    await run.finish();
    await page.goto(`${server.http()}/projects/page/runs/spike`);
    await expect.poll(() => chartValue("loss", "step-max"), patience).toBe(49_999);
    expect(await page.getByRole("img", { name: "highest 999" }).count()).toBe(1);
    // The tallest stroke of the line's colour spans most of the canvas.
    expect(await tallestStroke(page)).toBeGreaterThan(0.6);
  });

  test("what a run printed and drew, its ranks, its parent and its own alert are there", async () => {
    const parent = startRun("elder");
    parent.log({ loss: 1 }, { step: 0 });
    await parent.finish();
    const ranks = [0, 1].map((rank) =>
      init({
        project: "page",
        id: "rich",
        url: server.grpc(),
        verbose: false,
        rank,
        worldSize: 2,
        capture: { console: rank === 0 },
        forkFrom: { id: "elder", step: 1 },
      }),
    );
    const [first, second] = ranks as [Run, Run];
    process.stdout.write("a line that was printed\n");
    for (const step of [1, 2, 3]) {
      const data = Float32Array.from({ length: 64 }, (_none, i) => Math.sin(i * step));
      first.logImage("filters/conv1", { data, width: 8, height: 8 }, { step });
    }
    first.log({ loss: 0.5 }, { step: 30 });
    second.log({ loss: 0.6 }, { step: 10 });
    first.alert({ title: "disk is filling up", text: "3 GB left", level: "high" });
    await Promise.all(ranks.map((run) => run.finish()));
    await page.goto(`${server.http()}/projects/page/runs/rich`);
    await expect.poll(() => page.getByTestId("console").innerText(), patience).toContain("a line that was printed");
    await expect.poll(() => page.getByTestId("rank-table").innerText(), patience).toContain("20 steps");
    await expect.poll(() => page.getByTestId("alert-card").innerText(), patience).toContain("3 GB left");
    expect(await page.locator(".run-head").innerText()).toContain("elder at step 1");
    const image = page.getByTestId("image").locator("img");
    await expect.poll(() => image.evaluate((element: HTMLImageElement) => element.naturalWidth), patience).toBe(8);
    await page.getByRole("slider", { name: "Step of filters/conv1" }).press("Home");
    await expect.poll(() => image.getAttribute("alt"), patience).toBe("filters/conv1 at step 1");
    await page.getByRole("searchbox", { name: "Lines with" }).fill("nothing like it");
    await expect.poll(() => page.getByText("No line holds this.").count(), patience).toBe(1);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
    if (process.env["GRADWATCH_SCREENSHOT"] !== undefined)
      await page.screenshot({ path: process.env["GRADWATCH_SCREENSHOT"], fullPage: true });
  });

  test("a browser whose system has no locale shows it, too", async () => {
    const run = startRun("posix");
    run.log({ loss: 1 }, { step: 7 });
    await run.finish();
    // Chromium's own name of its language, instead of one that the test chose.
    await openPage(browser as Browser, "light", "system");
    await page.goto(`${server.http()}/projects/page/runs/posix`);
    await expect.poll(() => chartValue("loss", "step-max"), patience).toBe(7);
  });

  test("a metric with a step metric is drawn over that", async () => {
    const run = startRun("epochs");
    run.defineMetric("val/*", { stepMetric: "epoch" });
    for (let step = 0; step < 300; step++) {
      run.log({ loss: 1 / (step + 1), epoch: step / 100 }, { step });
      if (step % 100 === 99) run.log({ "val/acc": step / 300 }, { step });
    }
    await run.finish();
    await page.goto(`${server.http()}/projects/page/runs/epochs`);
    const chart = page.getByTestId("chart").and(page.locator('[data-metric="val/acc"]'));
    await expect.poll(() => chart.getAttribute("data-axis"), patience).toBe("epoch");
    await expect.poll(() => chart.getByRole("img").getAttribute("aria-label"), patience).toContain("from epoch 0.99 to 2.99");
    expect(await page.getByTestId("chart").and(page.locator('[data-metric="loss"]')).getAttribute("data-axis")).toBe("step");
    if (process.env["GRADWATCH_SCREENSHOT"] !== undefined)
      await page.screenshot({ path: process.env["GRADWATCH_SCREENSHOT"], fullPage: true });
  });

  test("gradients are a heatmap of layers and histograms over time; NaN cells stand out", async () => {
    const run = startRun("tensors");
    for (let step = 0; step < 40; step++) logGradients(run, step, step === 39 ? Number.NaN : 0.01 * (step + 1));
    run.log({ loss: 1 }, { step: 39 });
    await run.finish();
    await page.goto(`${server.http()}/projects/page/runs/tensors`);
    const heatmap = page.getByTestId("heatmap");
    await expect.poll(() => heatmap.getAttribute("data-columns"), patience).toBe("40");
    expect(await heatmap.getAttribute("data-rows")).toBe("6");
    expect(await heatmap.getAttribute("data-non-finite")).toBe("6");
    await page.getByRole("button", { name: "layer_3/kernel" }).click();
    await expect
      .poll(() => page.getByTestId("histograms").locator("figcaption").innerText(), patience)
      .toMatch(/^layer_3\/kernel \[10 × 20\]/);
    expect(await page.getByTestId("histograms").locator("path").count()).toBeGreaterThan(20);
  });

  test("runs are compared by keyboard alone", async () => {
    for (const id of ["left", "right"]) {
      const run = init({ project: "page", id, url: server.grpc(), verbose: false, config: { lr: id === "left" ? 0.1 : 0.2 } });
      for (let step = 0; step < 50; step++) run.log({ loss: 1 / (step + 1) }, { step });
      await run.finish();
    }
    await page.goto(`${server.http()}/?project=page`);
    await expect.poll(() => page.getByTestId("run-row").count(), patience).toBeGreaterThanOrEqual(2);
    for (const id of ["left", "right"]) {
      await page.getByRole("checkbox", { name: `Compare ${id}`, exact: true }).focus();
      await page.keyboard.press("Space");
    }
    await page.getByRole("link", { name: "Compare 2 runs" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => chartValue("loss", "points"), patience).toBe(100);
    expect(await page.getByRole("row", { name: "lr" }).innerText()).toMatch(/lr\s+0\.[12]\s+0\.[12]/);
  });

  test("runs are filtered and sorted by the address; a wrong filter is shown at its column", async () => {
    for (const [i, id] of ["sift-1", "sift-2", "sift-3"].entries()) {
      const run = init({ project: "sifted", id, url: server.grpc(), verbose: false, config: { lr: (i + 1) / 10 } });
      run.log({ loss: 3 - i }, { step: 0 });
      await run.finish();
    }
    const rows = (): Promise<(string | null)[]> =>
      page.getByTestId("run-row").evaluateAll((all) => all.map((row) => row.getAttribute("data-run")));
    await page.goto(`${server.http()}/?${new URLSearchParams({ project: "sifted", filter: "config.lr > 0.1 and summary.loss.last < 3" })}`);
    await expect.poll(rows, patience).toEqual(["sift-3", "sift-2"]);
    await page.getByRole("button", { name: "Loss" }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get("sort"), patience).toBe("summary.loss.last");
    await page.getByRole("button", { name: "Loss" }).click();
    await expect.poll(rows, patience).toEqual(["sift-2", "sift-3"]);

    const box = page.getByRole("textbox", { name: "Filter" });
    await box.fill("config.lr >> 1");
    await box.press("Enter");
    const fault = page.getByTestId("filter-error");
    await expect.poll(() => fault.getAttribute("data-column"), patience).toBe("12");
    expect(await fault.innerText()).toContain("config.lr >> 1\n           ↑\ncolumn 12: expected a number");
    complaints.splice(0);
    await box.fill('id = "sift-1"');
    await box.press("Enter");
    await expect.poll(rows, patience).toEqual(["sift-1"]);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
  });

  test("a run is renamed, tagged, deleted and brought back", async () => {
    const run = startRun("edited");
    run.log({ loss: 1 }, { step: 0 });
    await run.finish();
    await page.goto(`${server.http()}/projects/page/runs/edited`);
    await page.getByText("Edit", { exact: true }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("a better name");
    await page.getByRole("textbox", { name: "Tags, one a line" }).fill("prod\na,b");
    await page.getByRole("button", { name: "Save" }).click();
    await expect.poll(() => page.getByRole("heading", { level: 1 }).innerText(), patience).toBe("a better name");
    await expect.poll(() => page.locator(".run-head .tag").allInnerTexts(), patience).toEqual(["prod", "a,b"]);
    const status = async (): Promise<number> => (await fetch(`${server.http()}/api/v1/projects/page/runs/edited`)).status;
    await page.getByRole("button", { name: "Delete the run" }).click();
    await expect.poll(status, patience).toBe(404);
    await page.getByRole("button", { name: "Bring it back" }).click();
    await expect.poll(status, patience).toBe(200);
    // The browser reports what it asked for while the run was away.
    complaints.splice(0);
  });

  test("a run whose name is hostile is text, and its address works after a reload", async () => {
    const id = `<img src=x onerror="document.title='owned'"> v1.5/%2e`;
    const run = startRun(id);
    run.log({ "<b>loss</b>": 1 }, { step: 0 });
    await run.finish();
    await page.goto(`${server.http()}/projects/page/runs/${encodeURIComponent(id)}`);
    await expect.poll(() => page.getByRole("heading", { level: 1 }).innerText(), patience).toBe(id);
    await page.reload();
    await expect.poll(() => chartValue("<b>loss</b>", "points"), patience).toBe(1);
    expect(await page.title()).not.toBe("owned");
  });

  test("a connection that is lost is shown, and found again", async () => {
    await page.goto(server.http());
    const state = page.getByTestId("live-state");
    await expect.poll(() => state.getAttribute("data-state"), patience).toBe("live");
    await server.stop();
    await expect.poll(() => state.getAttribute("data-state"), patience).toBe("lost");
    await server.restart();
    await expect.poll(() => state.getAttribute("data-state"), patience).toBe("live");
    // The browser itself reports the requests that failed.
    complaints.splice(0);
  });

  test.each(["light", "dark"] as const)("nothing for axe to complain about (%s)", async (scheme) => {
    await openPage(browser as Browser, scheme);
    for (const path of [
      "/",
      "/alerts",
      "/projects/page/runs/moving",
      "/projects/page/runs/tensors",
      "/compare?run=page/left&run=page/right",
    ]) {
      await page.goto(server.http() + path);
      await expect
        .poll(() => page.locator("main table, [data-testid=chart] canvas, [data-testid=alert-card]").count(), patience)
        .toBeGreaterThan(0);
      const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze();
      expect(violations.map(({ id, nodes }) => `${path} ${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
    }
  });
});

/** Height of the longest vertical run of blue pixels, as a share of the first chart's canvas. */
async function tallestStroke(on: Page): Promise<number> {
  return await on
    .locator("canvas")
    .first()
    .evaluate((canvas: HTMLCanvasElement) => {
      const { width, height } = canvas;
      const pixels = canvas.getContext("2d")?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
      let tallest = 0;
      for (let x = 0; x < width; x++) {
        let run = 0;
        for (let y = 0; y < height; y++) {
          const at = (y * width + x) * 4;
          const isBlue = (pixels[at + 3] ?? 0) > 20 && (pixels[at + 2] ?? 0) > (pixels[at] ?? 0) + 20;
          run = isBlue ? run + 1 : 0;
          tallest = Math.max(tallest, run);
        }
      }
      return tallest / height;
    });
}
