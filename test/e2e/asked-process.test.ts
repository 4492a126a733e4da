// A training that listens is asked over HTTP to record every step, or to stop, and what it answers comes back as live news.

import { type FlightRecorderRequest, init, type InitOptions, type Run } from "@gradwatch/sdk";
import { Asked, LiveEvent, Problem } from "../../server/src/api/schema.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type ServerProcess } from "../processes/server-process.ts";

let server: ServerProcess;
let reading: AbortController;
const events: LiveEvent[] = [];
/** Real processes take the time they take; nothing is measured by it. */
const patience = { timeout: 30_000, interval: 50 };

beforeAll(async () => {
  server = await startServer();
  reading = new AbortController();
  const { body } = await fetch(`${server.http()}/api/v1/events`, { signal: reading.signal });
  void collect(body as ReadableStream<Uint8Array>).catch(() => undefined);
});
afterAll(async () => {
  reading.abort();
  await server.dispose();
});

async function collect(body: ReadableStream<Uint8Array>): Promise<void> {
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
    const blocks = (text + chunk).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, type] = /^event: (.*)$/m.exec(block) ?? [];
      const [, data] = /^data: (.*)$/m.exec(block) ?? [];
      if (type !== undefined && data !== undefined) events.push(LiveEvent.parse({ type, ...(JSON.parse(data) as object) }));
    }
  }
}

const post = (id: string, what: string, body: unknown): Promise<Response> =>
  fetch(`${server.http()}/api/v1/projects/asked/runs/${id}/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

async function ask(id: string, what: string, body: unknown): Promise<Asked> {
  const response = await post(id, what, body);
  expect(response.status).toBe(202);
  return Asked.parse(await response.json());
}

const answersTo = (request: string): string[] =>
  events.flatMap((event) =>
    event.type === "control" && event.request === request ? [[event.run, event.action, event.outcome, event.message].join(" | ")] : [],
  );

/** Logs until the server has it: then its stream is known. */
async function connected(options: InitOptions): Promise<Run> {
  const run = init({ project: "asked", url: server.grpc(), verbose: false, ...options });
  run.log({ loss: 1 });
  const known = (): number => events.filter((event) => event.type === "points" && event.run === run.id).length;
  const before = known();
  await expect.poll(known, patience).toBeGreaterThan(before);
  return run;
}

test("a process that listens records, one that does not says that it cannot", async () => {
  const requests: FlightRecorderRequest[] = [];
  const listening = await connected({ id: "both", rank: 0, worldSize: 2 });
  const deaf = await connected({ id: "both", rank: 1, worldSize: 2 });
  listening.onFlightRecorder((request) => requests.push(request));
  const { request, processes } = await ask("both", "flight-recorder", {
    steps: 200,
    kinds: ["gradients", "updates"],
    reason: "loss jumps",
  });
  expect(processes).toBe(2);
  await expect
    .poll(() => answersTo(request).toSorted((a, b) => a.localeCompare(b)), patience)
    .toEqual([
      "both | flight-recorder | done | recording",
      "both | flight-recorder | unsupported | nothing in this process can record more",
    ]);
  expect(requests).toEqual([
    { steps: 200, gradients: true, weights: false, updates: true, activations: false, inputs: false, reason: "loss jumps" },
  ]);
  await Promise.all([listening.finish(), deaf.finish()]);
});

test("a run that is asked to stop says so to its loop, and after its end nobody is there to be asked", async () => {
  const run = await connected({ id: "stopped" });
  expect(run.shouldStop()).toBe(false);
  const { request, processes } = await ask("stopped", "stop", { reason: "wrong data" });
  expect(processes).toBe(1);
  await expect.poll(() => answersTo(request), patience).toEqual(["stopped | stop | done | run.shouldStop() is true now"]);
  expect(run.shouldStop()).toBe(true);
  await run.finish();
  await expect.poll(async () => (await post("stopped", "stop", {})).status, patience).toBe(409);
  expect(Problem.parse(await (await post("stopped", "stop", {})).json()).detail).toContain("nobody was asked");
});
