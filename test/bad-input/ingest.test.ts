// What a server answers to batches that are wrong, over a real connection: the right reason and clear words, the stream
// and the other runs go on, and nothing that was acknowledged is lost.

import { crc32 } from "node:zlib";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  BatchBodySchema,
  encodeIntColumn,
  float64Bytes,
  IngestClient,
  type OpenRunRequest,
  OpenRunRequestSchema,
  type OpenRunResponse,
  RejectReason,
  type WriteRequest,
  WriteRequestSchema,
  type WriteResponse,
} from "@gradwatch/proto";
import { type ClientDuplexStream, credentials, type ServiceError, status } from "@grpc/grpc-js";
import type { SeriesResponse } from "@gradwatch/server/api-types";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { localKey, withKey } from "../processes/local-key.ts";
import { startServer, type ServerProcess } from "../processes/server-process.ts";

type Answer = { readonly ack: bigint } | { readonly rejected: RejectReason; readonly seq: bigint; readonly message: string };

interface Sender {
  readonly run: string;
  /** Sends a batch; resolves with its settlement. */
  send(batch: { readonly seq: number; readonly body: Uint8Array<ArrayBuffer>; readonly crc?: number }): Promise<Answer>;
  end(): void;
}

let server: ServerProcess;
let client: InstanceType<typeof IngestClient>;
let runs = 0;
let sender: Sender;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

beforeEach(async () => {
  client = new IngestClient(server.grpc(), credentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
    interceptors: [withKey(localKey(server.grpc()))],
  });
  sender = await openSender(`run-${++runs}`);
});
afterEach(() => {
  sender.end();
  client.close();
});

const producer = (): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(16));

function openRun(request: MessageInitShape<typeof OpenRunRequestSchema>): Promise<OpenRunResponse> {
  const full: OpenRunRequest = create(OpenRunRequestSchema, {
    protocolMin: 1,
    protocolMax: 1,
    project: "bad",
    producer: producer(),
    ...request,
  });
  return new Promise((resolve, reject) => {
    (client["openRun"] as (request: OpenRunRequest, done: (error: ServiceError | null, response: OpenRunResponse) => void) => void).call(
      client,
      full,
      (error, response) => (error === null ? resolve(response) : reject(error)),
    );
  });
}

async function openSender(run: string): Promise<Sender> {
  const id = producer();
  await openRun({ runId: run, producer: id });
  const stream = (client["write"] as () => ClientDuplexStream<WriteRequest, WriteResponse>).call(client);
  const waiting: { readonly seq: bigint; readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void }[] = [];
  stream.on("data", ({ message }: WriteResponse) => {
    if (message.case !== "ack" && message.case !== "rejected") return;
    const at = waiting.findIndex(({ seq }) => seq === message.value.seq);
    if (at < 0) return;
    const [{ resolve }] = waiting.splice(at, 1) as [(typeof waiting)[number]];
    if (message.case === "ack") resolve({ ack: message.value.seq });
    else resolve({ rejected: message.value.reason, seq: message.value.seq, message: message.value.message });
  });
  let broken: Error | undefined;
  stream.on("error", (error: Error) => {
    broken = error;
    waiting.splice(0).forEach(({ reject }) => reject(error));
  });
  return {
    run,
    send: ({ seq, body, crc }) =>
      new Promise((resolve, reject) => {
        if (broken !== undefined) {
          reject(broken);
          return;
        }
        waiting.push({ seq: BigInt(seq), resolve, reject });
        const value = { producer: id, seq: BigInt(seq), crc32: crc ?? crc32(body), body };
        stream.write(create(WriteRequestSchema, { message: { case: "batch", value } }));
      }),
    end: () => stream.end(),
  };
}

/** A good body of n steps, changed by what is given. */
function body(run: string, given: MessageInitShape<typeof BatchBodySchema> = {}, from = 0, n = 10): Uint8Array<ArrayBuffer> {
  const steps = Array.from({ length: n }, (_none, i) => from + i);
  return toBinary(
    BatchBodySchema,
    create(BatchBodySchema, {
      project: "bad",
      runId: run,
      session: 1,
      ver: BigInt(Date.now()) * 1000n + BigInt(from),
      metrics: ["loss"],
      scalars: [
        {
          metrics: [0],
          steps: encodeIntColumn(steps),
          times: encodeIntColumn(steps.map((step) => 1_700_000_000_000 + step)),
          values: float64Bytes(Float64Array.from(steps)),
        },
      ],
      ...given,
    }),
  );
}

async function storedSteps(run: string): Promise<number[]> {
  const request = { runs: [{ project: "bad", run }], metrics: ["loss"], maxBuckets: 1_000 };
  const response = await fetch(`${server.http()}/api/v1/series`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  return ((await response.json()) as SeriesResponse).series[0]?.buckets.step ?? [];
}

const column = (n: number) => encodeIntColumn(Array.from({ length: n }, (_none, i) => i));
const block = (given: object): object => ({ metrics: [0], steps: column(10), times: column(10), values: new Uint8Array(80), ...given });

interface Spoiled {
  readonly name: string;
  readonly make: (run: string) => { readonly body: Uint8Array<ArrayBuffer>; readonly crc?: number };
  readonly reason: RejectReason;
  readonly says: RegExp;
}

const spoiled: readonly Spoiled[] = [
  {
    name: "bytes that are no message",
    make: () => ({ body: new Uint8Array(100).fill(0xff) }),
    reason: RejectReason.MALFORMED,
    says: /^batch 2/,
  },
  {
    name: "a checksum that differs",
    make: (run) => ({ body: body(run), crc: 1 }),
    reason: RejectReason.CHECKSUM,
    says: /has CRC-32 .* its sender computed 00000001/,
  },
  { name: "a body that is cut off", make: (run) => ({ body: body(run).slice(0, -30) }), reason: RejectReason.MALFORMED, says: /^batch 2/ },
  {
    name: "a column of values that is cut off",
    make: (run) => ({ body: body(run, { scalars: [block({ values: new Uint8Array(79) })] }) }),
    reason: RejectReason.MALFORMED,
    says: /79 bytes of values where 1 metrics × 10 records need 80/,
  },
  {
    name: "a column of steps that is cut off",
    make: (run) => ({
      body: body(run, {
        scalars: [block({ steps: { ...encodeIntColumn([1, 5, 2, 90, 4, 7, 1, 2, 3, 300]), deltas: new Uint8Array([0x80]) } })],
      }),
    }),
    reason: RejectReason.MALFORMED,
    says: /cut off|ends there/,
  },
  {
    name: "more times than steps",
    make: (run) => ({ body: body(run, { scalars: [block({ times: column(11) })] }) }),
    reason: RejectReason.MALFORMED,
    says: /11 values where 10/,
  },
  {
    name: "a column that claims a billion values",
    make: (run) => ({
      body: body(run, {
        scalars: [block({ steps: { ...column(10), count: 1_000_000_000 }, times: { ...column(10), count: 1_000_000_000 } })],
      }),
    }),
    reason: RejectReason.MALFORMED,
    says: /1000000000 records need 8000000000/,
  },
  {
    name: "a metric that the dictionary does not have",
    make: (run) => ({ body: body(run, { scalars: [block({ metrics: [7] })] }) }),
    reason: RejectReason.MALFORMED,
    says: /7/,
  },
  {
    name: "a name that is too long",
    make: (run) => ({ body: body(run, { metrics: ["m".repeat(612)] }) }),
    reason: RejectReason.LIMIT,
    says: /612 bytes; the limit is 512 \(limits\.nameBytesMax\)\. Shorten it/,
  },
  {
    name: "a negative step",
    make: (run) => ({ body: body(run, { scalars: [block({ steps: encodeIntColumn([-1, 0, 1, 2, 3, 4, 5, 6, 7, 8]) })] }) }),
    reason: RejectReason.LIMIT,
    says: /step -1; the range is 0 to 2\^50/,
  },
  {
    name: "a run that was never opened",
    make: () => ({ body: body("nobody-opened-this") }),
    reason: RejectReason.UNKNOWN_RUN,
    says: /never opened here\. Call OpenRun first/,
  },
];

describe("a batch that is wrong is rejected with its reason, and the stream goes on", () => {
  test.each(spoiled)("$name", async ({ make, reason, says }) => {
    expect(await sender.send({ seq: 1, body: body(sender.run) })).toEqual({ ack: 1n });
    const answer = await sender.send({ seq: 2, ...make(sender.run) });
    expect(answer).toMatchObject({ rejected: reason, message: expect.stringMatching(says) });
    expect(await sender.send({ seq: 3, body: body(sender.run, {}, 10) })).toEqual({ ack: 3n });
    expect(await storedSteps(sender.run)).toEqual(Array.from({ length: 20 }, (_none, step) => step));
  });

  test("every cut of a good body is rejected or means fewer things, and never harms the server", async () => {
    const good = body(sender.run);
    for (let length = 0; length < good.length; length += 3) await sender.send({ seq: length + 1, body: good.slice(0, length) });
    expect(await sender.send({ seq: 1_000_000, body: good })).toEqual({ ack: 1_000_000n });
    expect(await storedSteps(sender.run)).toHaveLength(10);
  });

  test("a message over the limit ends the call with RESOURCE_EXHAUSTED; other runs go on", async () => {
    const other = await openSender("other-run");
    await expect(sender.send({ seq: 1, body: new Uint8Array(6 * 1024 * 1024) })).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(await other.send({ seq: 1, body: body("other-run") })).toEqual({ ack: 1n });
    other.end();
  });

  test("a batch that is sent twice, and one out of turn, are each stored once", async () => {
    const [first, third] = [body(sender.run), body(sender.run, {}, 20)];
    expect(await sender.send({ seq: 1, body: first })).toEqual({ ack: 1n });
    expect(await sender.send({ seq: 1, body: first })).toEqual({ ack: 1n });
    expect(await sender.send({ seq: 3, body: third })).toEqual({ ack: 3n });
    expect(await storedSteps(sender.run)).toHaveLength(20);
  });
});

interface RefusedOpen {
  readonly name: string;
  readonly request: MessageInitShape<typeof OpenRunRequestSchema>;
  readonly code: status;
  readonly says: RegExp;
}

describe("a run that cannot be opened is refused with the right status", () => {
  test.each<RefusedOpen>([
    {
      name: "a name that is too long",
      request: { runId: "x".repeat(600) },
      code: status.INVALID_ARGUMENT,
      says: /600 bytes; the limit is 512/,
    },
    { name: "no name", request: { runId: "" }, code: status.INVALID_ARGUMENT, says: /empty/ },
    {
      name: "a producer that is no 16 bytes",
      request: { runId: "a", producer: new Uint8Array(3) },
      code: status.INVALID_ARGUMENT,
      says: /3 bytes; it must be 16/,
    },
    { name: "one that must exist and does not", request: { runId: "missing", resume: 2 }, code: status.NOT_FOUND, says: /missing/ },
    {
      name: "a protocol of the future",
      request: { runId: "a", protocolMin: 7, protocolMax: 9 },
      code: status.FAILED_PRECONDITION,
      says: /7/,
    },
    {
      name: "a fork of nobody",
      request: { runId: "a", forkFrom: { runId: "b", step: 1n } },
      code: status.NOT_FOUND,
      says: /does not exist/,
    },
    {
      name: "a fork of itself",
      request: { runId: "a", forkFrom: { runId: "a", step: 1n } },
      code: status.INVALID_ARGUMENT,
      says: /cannot be forked from itself/,
    },
    {
      name: "a fork before the beginning",
      request: { runId: "a", forkFrom: { runId: "b", step: -1n } },
      code: status.INVALID_ARGUMENT,
      says: /fork step is -1/,
    },
  ])("$name", async ({ request, code, says }) => {
    await expect(openRun(request)).rejects.toMatchObject({ code, details: expect.stringMatching(says) });
  });

  test("one that must not exist and does", async () => {
    await expect(openRun({ runId: sender.run, resume: 3 })).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
  });
});

test("a stop in the middle of writing: what was acknowledged is there, what was not is refused with a status to retry", async () => {
  const own = await startServer();
  client.close();
  client = new IngestClient(own.grpc(), credentials.createInsecure(), { interceptors: [withKey(localKey(own.grpc()))] });
  const stopping = await openSender("stopping");
  const answers: Promise<Answer | { readonly code: number }>[] = [];
  let acks = 0;
  const sending = setInterval(() => {
    const seq = answers.length + 1;
    const answer = stopping.send({ seq, body: body("stopping", {}, (seq - 1) * 10) });
    answers.push(answer.catch(({ code }: ServiceError) => ({ code })));
    void answer.then(() => (acks += 1)).catch(() => undefined);
  }, 2);
  await expect.poll(() => acks).toBeGreaterThan(10);
  await own.stop();
  clearInterval(sending);
  const settled = await Promise.race([
    Promise.all(answers),
    new Promise<never>((_resolve, reject) => setTimeout(() => reject(new Error("some batches never got an answer")), 10_000)),
  ]);
  const acknowledged = settled.flatMap((answer) => ("ack" in answer ? [Number(answer.ack)] : []));
  expect(acknowledged.length).toBeGreaterThan(10);
  for (const answer of settled) if ("code" in answer) expect([status.UNAVAILABLE, status.CANCELLED]).toContain(answer.code);
  await own.restart();
  const request = { runs: [{ project: "bad", run: "stopping" }], metrics: ["loss"], maxBuckets: 10_000 };
  const response = await fetch(`${own.http()}/api/v1/series`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const steps = new Set(((await response.json()) as SeriesResponse).series[0]?.buckets.step);
  for (const seq of acknowledged) for (let i = 0; i < 10; i++) expect(steps.has((seq - 1) * 10 + i)).toBe(true);
  await own.dispose();
});
