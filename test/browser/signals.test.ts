// The insides of a network on the page: class records, units, state gradients, and what is asked of a running process.

import { AxeBuilder } from "@axe-core/playwright";
import { init, type Run, type SummarizedTensor, summarize } from "@gradwatch/sdk";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ServerProcess, startServer } from "../processes/server-process.ts";
import { seededRandom } from "../seeded-random.ts";
import { launchBrowser } from "./launch-browser.ts";
import { logConfusions } from "./log-confusions.ts";

let server: ServerProcess;
let browser: Browser | string;
let context: BrowserContext | undefined;
let page: Page;
const complaints: string[] = [];
/** Real processes take the time they take; nothing is measured by it. */
const patience = { timeout: 30_000, interval: 100 };
/** Where pictures go, if somebody wants to look. */
const pictures = process.env["GRADWATCH_SCREENSHOTS"];

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

async function openPage(from: Browser, colorScheme: "light" | "dark", width = 1300): Promise<void> {
  await context?.close();
  context = await from.newContext({ locale: "en-US", viewport: { width, height: 900 }, colorScheme });
  page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  // Signs in.
  await page.goto(server.page());
  await expect.poll(() => page.getByTestId("live-state").getAttribute("data-state"), { timeout: 20_000 }).toBe("live");
}

const startRun = (id: string): Run => init({ project: "signals", id, url: server.grpc(), verbose: false });
const show = (id: string): Promise<unknown> => page.goto(`${server.http()}/projects/signals/runs/${encodeURIComponent(id)}`);
const choose = async (label: string, option: string): Promise<void> => {
  await page.getByRole("combobox", { name: label, exact: true }).selectOption({ label: option });
};

async function picture(name: string): Promise<void> {
  if (pictures !== undefined) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

async function axe(): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** No scroll bar under the page: what is wide scrolls by itself. */
const overflow = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** As a classifier with a recurrent layer might log them. */
function logSignals(run: Run): void {
  const random = seededRandom(1);
  for (let step = 0; step < 60; step++) {
    const layers = [0, 1, 2].map((layer): SummarizedTensor => {
      const dead = layer === 1 ? Math.min(50, step) : layer === 2 ? 1 : 0;
      const values = Float32Array.from({ length: 64 }, () => Math.max(0, random.normal()));
      return {
        name: `relu_${layer}`,
        kind: "activation",
        activation: "relu",
        layer: `relu_${layer}`,
        topologicalIndex: layer + 1,
        phase: "train",
        summary: { ...summarize(values), samples: 512, units: 64, unitsActiveBelow2Permille: dead, unitsActiveBelow1Percent: dead },
      };
    });
    // The further back, the less: a gradient that vanishes over time, the more so the longer it trains.
    const decay = 0.8 - step / 120;
    const back = Float32Array.from({ length: 20 }, (_none, t) => 1e-2 * decay ** (19 - t));
    const state: SummarizedTensor = {
      name: "lstm/state",
      kind: "state-gradient",
      layer: "lstm",
      topologicalIndex: 5,
      phase: "train",
      summary: { ...summarize(back), units: 20, unitMeans: back.map((value) => value / 10), unitStds: back },
    };
    const input: SummarizedTensor = {
      name: "input",
      kind: "input",
      layer: "input",
      phase: "train",
      summary: {
        ...summarize(Float32Array.from({ length: 64 }, () => random.normal())),
        units: 6,
        unitMeans: Float32Array.from({ length: 6 }, (_none, channel) => (channel === 4 ? 250 : random.normal() / 10)),
        unitStds: Float32Array.from({ length: 6 }, (_none, channel) => (channel === 4 ? 80 : 1 + random.normal() / 10)),
      },
    };
    const weights = ["weight", "update"].map((kind): SummarizedTensor => ({
      name: "dense/kernel",
      kind: kind as "weight" | "update",
      layer: "dense",
      topologicalIndex: 6,
      role: "kernel",
      summary: summarize(Float32Array.from({ length: 50 }, () => random.normal() * (kind === "weight" ? 1 : 1e-3))),
    }));
    run.log({ loss: 2 / (step + 1) }, { step });
    run.logSummaries([...layers, state, input, ...weights], { step });
    if (step % 3 === 2) logConfusions(run, step, 10);
  }
}

describe("the page", () => {
  test.each(["light", "dark"] as const)("shows dead units, ratios, channels, time steps and classes (%s)", async (scheme) => {
    const id = `signals-${scheme}`;
    const run = startRun(id);
    logSignals(run);
    await run.finish();
    await openPage(browser as Browser, scheme);
    await show(id);

    const confusion = page.getByTestId("confusion");
    await expect.poll(() => confusion.getAttribute("data-step"), patience).toBe("59");
    expect(await confusion.getAttribute("data-classes")).toBe("10");
    const words = await confusion.locator(".summary").innerText();
    expect(words).toMatch(/^[\d.]+ % of [\d,]+ samples right\. Most often wrong: label 3 predicted as 5/);
    expect(await page.getByTestId("class-errors").getAttribute("data-rows")).toBe("10");
    expect(await page.getByTestId("class-errors").getAttribute("data-columns")).toBe("20");
    await page.getByRole("slider", { name: "Step of the class records" }).press("Home");
    await expect.poll(() => confusion.getAttribute("data-step"), patience).toBe("2");
    await expect.poll(() => page.getByTestId("class-counts").locator("h3").innerText(), patience).toContain("step 2");
    await choose("Phase", "evaluation");
    await expect.poll(() => confusion.getAttribute("data-step"), patience).toBe("59");

    await choose("Kind", "update");
    const heatmap = page.getByTestId("heatmap");
    await expect.poll(() => heatmap.getByRole("img").getAttribute("aria-label"), patience).toMatch(/^norm ÷ norm of the weight of updates/);
    await choose("Kind", "activation");
    await expect
      .poll(() => page.getByTestId("dead-units").innerText(), patience)
      .toBe("Dead at step 59, active on less than 0.2 % of the samples: relu_1 78.1 %, relu_2 1.56 %.");
    await picture(`activation-${scheme}`);

    await choose("Kind", "state-gradient");
    const units = page.getByTestId("unit-heatmap");
    await expect.poll(() => units.getAttribute("data-rows"), patience).toBe("20");
    expect(await units.getAttribute("data-columns")).toBe("60");
    expect(await units.getByRole("img").getAttribute("aria-label")).toMatch(
      /^share of the gradient of lstm\/state by time step, 20 of them/,
    );
    // 0.3085 ** (2 × 19) of the last one's share, which has nearly all.
    expect(await page.getByTestId("how-far-back").innerText()).toMatch(/first time step has .*e-1\d % of the gradient, the last 9\d\.\d %/);
    await picture(`state-gradient-${scheme}`);

    await choose("Kind", "input");
    await expect.poll(() => units.getAttribute("data-rows"), patience).toBe("6");
    await page.getByRole("button", { name: "standard deviation" }).click();
    await expect.poll(() => units.getByRole("img").getAttribute("aria-label"), patience).toMatch(/^standard deviation of input by channel/);
    await units.getByText("Show as table").click();
    expect(await units.getByRole("row", { name: /^4 250/ }).count()).toBe(1);
    await picture(`input-${scheme}`);
    expect(await axe()).toEqual([]);
  });

  test("offers only the statistics that a kind can have", async () => {
    const run = startRun("offered");
    logSignals(run);
    await run.finish();
    await show("offered");
    await expect.poll(() => page.getByRole("combobox", { name: "Statistic" }).count(), patience).toBe(1);
    const offered = async (kind: string): Promise<string> => {
      await choose("Kind", kind);
      return (await page.getByRole("combobox", { name: "Statistic" }).locator("option").allInnerTexts()).join(", ");
    };
    expect(await offered("weight")).not.toMatch(/÷|dead|flat|surprise/);
    expect(await offered("update")).toMatch(/÷.*surprise/);
    expect(await offered("activation")).toMatch(/dead.*never vary.*flat/);
    expect(await offered("state-gradient")).not.toMatch(/÷|dead|flat|surprise/);
  });

  test.each([2, 64])("draws a confusion of %i classes, on a narrow page, too", async (classes) => {
    const id = `classes-${classes}`;
    const run = startRun(id);
    for (const step of [10, 20]) logConfusions(run, step, classes);
    await run.finish();
    for (const width of [1300, 380]) {
      await openPage(browser as Browser, "light", width);
      await show(id);
      await expect.poll(() => page.getByTestId("confusion").locator("td").count(), patience).toBe(classes ** 2);
      await picture(`classes-${classes}-${width}`);
      expect(await overflow()).toBeLessThanOrEqual(0);
      if (width === 380) expect(await axe()).toEqual([]);
    }
  });

  test("names that a run gave its tensors are text", async () => {
    const name = `<img src=x onerror="document.title='owned'">`;
    const run = startRun("hostile");
    const values = Float32Array.from([1, 2]);
    run.logSummaries([{ name, kind: "input", summary: { ...summarize(values), units: 2, unitMeans: values, unitStds: values } }], {
      step: 1,
    });
    await run.finish();
    await show("hostile");
    await expect.poll(() => page.getByTestId("unit-heatmap").count(), patience).toBe(1);
    await expect.poll(() => page.getByRole("button", { name }).count(), patience).toBe(1);
    expect(await page.title()).not.toBe("owned");
  });
});

describe("a run that trains", () => {
  test("is asked to record every step, and what it answers is shown", async () => {
    const run = startRun("recorded");
    const steps: number[] = [];
    run.onFlightRecorder((request) => steps.push(request.steps));
    run.log({ loss: 1 }, { step: 1 });
    await expect.poll(async () => (await fetch(`${server.http()}/api/v1/projects/signals/runs/recorded`)).status, patience).toBe(200);
    await show("recorded");
    await page.getByRole("button", { name: "Record every step" }).click();
    await page.getByRole("dialog").getByRole("spinbutton", { name: "Steps" }).fill("50");
    await page.getByRole("checkbox", { name: "inputs" }).uncheck();
    await picture("dialog");
    expect(await axe()).toEqual([]);
    await page.getByRole("button", { name: "Record", exact: true }).click();
    await expect.poll(() => page.getByTestId("asked").innerText(), patience).toBe("Asked 1 process to record every step. done: recording.");
    expect(steps).toEqual([50]);
    expect(await page.getByRole("dialog").count()).toBe(0);
    await picture("asked");
    await run.finish();
  });

  test("says that it cannot where nobody listens, and stops when it is asked", async () => {
    const run = startRun("deaf");
    run.log({ loss: 1 }, { step: 1 });
    await expect.poll(async () => (await fetch(`${server.http()}/api/v1/projects/signals/runs/deaf`)).status, patience).toBe(200);
    await show("deaf");
    await page.getByRole("button", { name: "Record every step" }).click();
    await page.getByRole("button", { name: "Record", exact: true }).click();
    await expect
      .poll(() => page.getByTestId("asked").innerText(), patience)
      .toContain("unsupported: nothing in this process can record more.");
    await page.getByRole("button", { name: "Ask to stop" }).click();
    await page.keyboard.press("Escape");
    expect(await page.getByRole("dialog").count()).toBe(0);
    expect(run.shouldStop()).toBe(false);
    await page.getByRole("button", { name: "Ask to stop" }).click();
    await page.getByRole("textbox", { name: "Reason" }).fill("wrong data");
    await page.getByRole("dialog").getByRole("button", { name: "Ask to stop" }).click();
    await expect.poll(() => page.getByTestId("asked").innerText(), patience).toContain("done: run.shouldStop() is true now.");
    expect(run.shouldStop()).toBe(true);
    await run.finish();
    await expect.poll(() => page.getByRole("button", { name: "Ask to stop" }).count(), patience).toBe(0);
    expect(await page.getByTestId("asked").innerText()).toContain("Asked 1 process to stop.");
  });
});
