// Requests to processes: who is asked, what goes down the streams, and which answers are heard.

import { create } from "@bufbuild/protobuf";
import { ControlOutcome, ControlResultSchema, type WriteResponse } from "@gradwatch/proto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Asked, type ControlEvent } from "../../src/api/schema.ts";
import { type ControlRequests, createControlRequests } from "../../src/ingest/control-requests.ts";
import type { KnownRun } from "../../src/ingest/known-run.ts";
import { createSubscribers, type Subscribers } from "../../src/ingest/subscribers.ts";
import { type ApiUnderTest, apiUnderTest, host, insertRun, keyOf } from "./api-under-test.ts";

let under: ApiUnderTest;
let subscribers: Subscribers;
let control: ControlRequests;
let heard: ControlEvent[];
const ref = { project: "p", run: "asked" };
const path = `/api/v1/projects/${ref.project}/runs/${ref.run}`;

beforeAll(async () => {
  under = await apiUnderTest({ control: { record: (...given) => control.record(...given), stop: (...given) => control.stop(...given) } });
  await insertRun(under.store, ref);
});
afterAll(() => under.close());
beforeEach(() => {
  heard = [];
  let ids = 0;
  subscribers = createSubscribers();
  control = createControlRequests({ subscribers, newId: () => `request-${++ids}`, heard: (answer) => heard.push(answer) });
});

const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

async function ask(what: string, body: unknown): Promise<Asked> {
  const response = await under.api.request(`http://${host}${path}/${what}`, post(body));
  expect(response.status).toBe(202);
  return Asked.parse(await response.json());
}

/** A stream of the run: what it was told. */
function connect(key = keyOf(ref)): WriteResponse["message"][] {
  const told: WriteResponse["message"][] = [];
  subscribers.add({ key } as KnownRun, { write: ({ message }) => told.push(message) > 0 });
  return told;
}

const answer = (requestId: string, outcome: ControlOutcome, message = ""): void =>
  control.answered(create(ControlResultSchema, { requestId, outcome, message }));

test("every process of the run is asked to record, and no other", async () => {
  const [first, second, other] = [connect(), connect(), connect(123n)];
  expect(await ask("flight-recorder", { steps: 50, kinds: ["gradients", "inputs"], reason: "loss jumps" })).toEqual({
    request: "request-1",
    processes: 2,
  });
  for (const told of [first, second]) {
    expect(told).toMatchObject([
      {
        case: "flightRecorder",
        value: {
          requestId: "request-1",
          project: "p",
          runId: "asked",
          steps: 50,
          gradients: true,
          weights: false,
          updates: false,
          activations: false,
          inputs: true,
          reason: "loss jumps",
        },
      },
    ]);
  }
  expect(other).toEqual([]);
});

test("without kinds all are recorded; without a reason it says where it comes from", async () => {
  const told = connect();
  await ask("flight-recorder", { steps: 1 });
  await ask("stop", {});
  const all = { gradients: true, weights: true, updates: true, activations: true, inputs: true };
  expect(told).toMatchObject([
    { case: "flightRecorder", value: { ...all, reason: "asked over the API" } },
    { case: "stop", value: { requestId: "request-2", runId: "asked", reason: "asked over the API" } },
  ]);
});

test("each process is heard once, whatever it says", async () => {
  connect();
  connect();
  const { request } = await ask("flight-recorder", { steps: 5 });
  answer("request-of-nobody", ControlOutcome.DONE);
  answer(request, ControlOutcome.UNSUPPORTED, "nothing here can");
  answer(request, 99 as ControlOutcome, "x".repeat(10_000));
  answer(request, ControlOutcome.DONE);
  const of = { type: "control", ...ref, request, action: "flight-recorder" };
  expect(heard).toEqual([
    { ...of, outcome: "unsupported", message: "nothing here can" },
    { ...of, outcome: "unknown", message: "x".repeat(500) },
  ]);
});

test("answers to a thousand requests are waited for, the oldest are forgotten", async () => {
  connect();
  const requests = Array.from({ length: 1_001 }, () => control.stop({ key: keyOf(ref), project: ref.project, id: ref.run }, {}).request);
  for (const request of requests) answer(request, ControlOutcome.DONE);
  expect(heard.map(({ request }) => request)).toEqual(requests.slice(1));
});

test.each(["flight-recorder", "stop"])("%s with nobody connected is a conflict that says so", async (what) => {
  connect(123n);
  const problem = await under.problem(`${path}/${what}`, post({ steps: 1 }));
  expect(problem).toMatchObject({ status: 409, type: "https://gradwatch.dev/problems/not-connected" });
  expect(problem.detail).toMatch(/no process of run "asked" is connected to this server, so nobody was asked/);
});

test.each([
  ["flight-recorder", { steps: 0 }, "steps"],
  ["flight-recorder", { steps: 10_001 }, "steps"],
  ["flight-recorder", { steps: 1.5 }, "steps"],
  ["flight-recorder", {}, "steps"],
  ["flight-recorder", { steps: 5, kinds: [] }, "kinds"],
  ["flight-recorder", { steps: 5, kinds: ["everything"] }, "kinds.0"],
  ["stop", { reason: "x".repeat(501) }, "reason"],
  ["stop", { reason: "\u001b[2J" }, "control character"],
])("%s with %o is refused, naming %s, and nobody is asked", async (what, body, named) => {
  const told = connect();
  const problem = await under.problem(`${path}/${what}`, post(body));
  expect(problem.status).toBe(400);
  expect(problem.detail).toContain(named);
  expect(told).toEqual([]);
});

test("a run that is not there cannot be asked", async () => {
  expect((await under.problem("/api/v1/projects/p/runs/none/stop", post({}))).status).toBe(404);
});
