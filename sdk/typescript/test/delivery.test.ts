// From log() to the acknowledgement, over a real connection that misbehaves by script: every point arrives once, unchanged.

import { crc32 } from "node:zlib";
import { status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test, vi } from "vitest";
import { init, type InitOptions, type Run } from "../src/index.ts";
import { bodyOf, type Peer, type PeerScript, type ReceivedPoint, scalarsOf, startPeer } from "./scripted-peer.ts";

const peers: Peer[] = [];
afterEach(() => peers.splice(0).forEach((peer) => peer.stop()));

async function peerAndRun(script: PeerScript = {}, options: InitOptions = {}): Promise<{ peer: Peer; run: Run }> {
  const peer = await startPeer(script);
  peers.push(peer);
  return { peer, run: init({ project: "p", id: "r", url: peer.address, verbose: false, ...options }) };
}

const logSteps = (run: Run, from: number, to: number): void => {
  for (let step = from; step < to; step++) run.log({ loss: step / 7, "acc/train": -step }, { step });
};
const byMetricAndStep = (a: ReceivedPoint, b: ReceivedPoint): number => a.metric.localeCompare(b.metric) || a.step - b.step;
const expected = (to: number): ReceivedPoint[] =>
  Array.from({ length: to }, (_, step) => [
    { metric: "loss", step, value: step / 7 },
    { metric: "acc/train", step, value: -step },
  ])
    .flat()
    .sort(byMetricAndStep);
const settled = (points: number): object => ({ logged: points, acknowledged: points, rejected: 0, dropped: {}, pending: 0, spooled: 0 });

describe("delivery", () => {
  test("everything arrives once, in few self-contained batches with rising versions", async () => {
    const { peer, run } = await peerAndRun();
    logSteps(run, 0, 5_000);
    expect(await run.finish()).toEqual(settled(10_000));
    expect(scalarsOf(peer.batches).sort(byMetricAndStep)).toEqual(expected(5_000));
    expect(peer.batches.length).toBeLessThan(10);
    const bodies = peer.batches.map(bodyOf);
    bodies.forEach((body, i) => {
      expect(body.project).toBe("p");
      expect(body.session).toBe(1);
      expect(body.ver).toBeGreaterThan(bodies[i - 1]?.ver ?? 0n);
    });
    for (const batch of peer.batches) expect(batch.crc32).toBe(crc32(batch.body));
    expect(peer.closes).toHaveLength(1);
    expect(peer.closes[0]?.lastSeq).toBe(BigInt(peer.batches.length));
  });

  test("regular series cost at most 10 bytes a point", async () => {
    const { peer, run } = await peerAndRun();
    for (let step = 0; step < 20_000; step++) run.log({ loss: Math.sin(step), lr: 0.1 }, { step });
    await run.finish();
    const bytes = peer.batches.reduce((sum, { body }) => sum + body.length, 0);
    expect(bytes / 40_000).toBeLessThan(10);
  });

  test("a batch goes by its age, without a finish", async () => {
    const { peer, run } = await peerAndRun();
    run.log({ loss: 1 });
    await expect.poll(() => scalarsOf(peer.batches)).toEqual([{ metric: "loss", step: 0, value: 1 }]);
    await run.finish();
  });

  test("after a break the same batches are sent again, byte for byte", async () => {
    let broken = 0;
    const { peer, run } = await peerAndRun({
      batch(batch, stream, attempt) {
        // Every other batch is lost with its stream, the others are acknowledged.
        if (attempt % 2 === 1 && broken < 4) {
          broken += 1;
          stream.breakOff();
        } else stream.ack(batch.seq);
      },
    });
    for (let part = 0; part < 5; part++) {
      logSteps(run, part * 200, (part + 1) * 200);
      await expect.poll(() => peer.batches.length).toBeGreaterThan(part);
    }
    expect(await run.finish()).toEqual(settled(2_000));
    expect(broken).toBeGreaterThan(1);
    expect(scalarsOf(peer.batches).sort(byMetricAndStep)).toEqual(expected(1_000));
    const bySeq = Map.groupBy(peer.batches, ({ seq }) => seq);
    expect([...bySeq.values()].some((sent) => sent.length > 1)).toBe(true);
    for (const sent of bySeq.values()) for (const batch of sent) expect(batch).toEqual(sent[0]);
  });

  test("an acknowledgement that comes late and covers many settles them all", async () => {
    const { peer, run } = await peerAndRun({ batch: () => undefined });
    for (let part = 0; part < 3; part++) {
      logSteps(run, part * 10, (part + 1) * 10);
      await expect.poll(() => peer.batches.length).toBe(part + 1);
    }
    const finishing = run.finish();
    peer.streams()[0]?.ack(3n);
    expect(await finishing).toEqual(settled(60));
  });

  test("a server that is away at first gets everything once it is there", async () => {
    const { peer, run } = await peerAndRun({ open: (_request, attempt) => (attempt < 4 ? status.UNAVAILABLE : {}) });
    logSteps(run, 0, 100);
    expect(await run.finish()).toEqual(settled(200));
    expect(peer.opens).toHaveLength(4);
    for (const request of peer.opens) expect(request).toEqual(peer.opens[0]);
    expect(scalarsOf(peer.batches)).toHaveLength(200);
  });

  test("a batch that the server rejects does not hold up the others, and is counted", async () => {
    const { peer, run } = await peerAndRun({
      batch(batch, stream) {
        if (batch.seq === 1n) stream.reject(1n, "poison");
        else stream.ack(batch.seq);
      },
    });
    logSteps(run, 0, 10);
    await expect.poll(() => peer.batches.length).toBe(1);
    logSteps(run, 10, 20);
    expect(await run.finish()).toEqual({ logged: 40, acknowledged: 20, rejected: 20, dropped: {}, pending: 0, spooled: 0 });
  });

  test("a run that the server refuses for good costs a count and nothing else", async () => {
    const { run } = await peerAndRun({ open: () => status.ALREADY_EXISTS });
    logSteps(run, 0, 10);
    const report = await run.finish();
    expect(report).toMatchObject({ logged: 20, acknowledged: 0, pending: 0, dropped: { "run refused": 20 } });
  });

  test("without a server and without a disk, memory is bounded and what is dropped is counted exactly", async () => {
    const run = init({ project: "p", id: "r", url: "127.0.0.1:9", verbose: false, spool: false });
    const values = Float32Array.from({ length: 50 }, (_, i) => i - 20);
    const before = process.memoryUsage().rss;
    // 400 000 summaries would be over 100 MiB.
    for (let step = 0; step < 400_000; step++) run.logSummaries([summary], { step });
    run.logTensor("t", values);
    const report = await run.finish(0, { timeoutMs: 50 });
    expect(report.logged).toBe(report.pending + Object.values(report.dropped).reduce((a, b) => a + b, 0));
    const isFull = Object.entries(report.dropped).filter(([reason]) => reason.startsWith("memory full"));
    expect(isFull.reduce((sum, [, points]) => sum + points, 0)).toBeGreaterThan(50_000);
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(600);
  });

  test("a version is above what the run already has, and automatic steps go on after it", async () => {
    const verMax = BigInt(Date.now() + 3_600_000) * 1000n;
    const { peer, run } = await peerAndRun({ open: () => ({ verMax, stepMax: 41n, session: 2 }) });
    await expect.poll(() => peer.opens.length).toBe(1);
    await expect.poll(() => peer.streams().length).toBe(1);
    run.log({ loss: 1 });
    await run.finish();
    const [body] = peer.batches.map(bodyOf);
    expect(body?.ver).toBeGreaterThan(verMax);
    expect(body?.session).toBe(2);
    expect(scalarsOf(peer.batches)).toEqual([{ metric: "loss", step: 42, value: 1 }]);
  });
});

const summary = {
  name: "dense/kernel",
  kind: "weight" as const,
  summary: {
    count: 200,
    nan: 0,
    positiveInfinity: 0,
    negativeInfinity: 0,
    zero: 0,
    negative: 100,
    positive: 100,
    sum: 1.5,
    sumSquares: 20.25,
    sumAbsolute: 40.125,
    min: -1,
    max: 1,
    histogram: {
      scale: 3,
      zeroThreshold: 0,
      zeroCount: 0,
      positive: { offset: -90, counts: Array.from({ length: 80 }, (_, i) => i) },
      negative: { offset: -90, counts: Array.from({ length: 80 }, (_, i) => i) },
    },
  },
};

describe("the way back", () => {
  test("alerts reach every listener, and one that throws hurts nobody", async () => {
    const { peer, run } = await peerAndRun();
    const seen: string[] = [];
    run.onAlert(() => {
      throw new Error("a listener's own trouble");
    });
    const remove = run.onAlert(({ rule, state, onsetStep }) => void seen.push(`${rule} ${state} ${onsetStep}`));
    run.log({ loss: 1 });
    await expect.poll(() => peer.streams().length).toBe(1);
    const notice = { project: "p", runId: "r", incident: "i", rule: "non-finite", onsetStep: 7n };
    peer.streams()[0]?.send({ case: "alert", value: { ...notice, state: 2 } });
    await expect.poll(() => seen).toEqual(["non-finite firing 7"]);
    // Another run's alerts are not this one's.
    peer.streams()[0]?.send({ case: "alert", value: { ...notice, runId: "other", state: 2 } });
    remove();
    peer.streams()[0]?.send({ case: "alert", value: { ...notice, state: 3 } });
    await run.finish();
    expect(seen).toEqual(["non-finite firing 7"]);
  });

  test("a request to stop is seen and answered", async () => {
    const { peer, run } = await peerAndRun();
    await expect.poll(() => peer.streams().length).toBe(1);
    expect(run.shouldStop()).toBe(false);
    peer.streams()[0]?.send({ case: "stop", value: { requestId: "s1", reason: "diverged" } });
    await expect.poll(() => run.shouldStop()).toBe(true);
    await expect.poll(() => peer.results.length).toBe(1);
    await run.finish();
  });

  test("facts, roles and checkpoints travel as events", async () => {
    const { peer, run } = await peerAndRun();
    run.log({ loss: 1 }, { step: 5 });
    run.describe({ lossKind: "cross-entropy", classes: 10, plannedSteps: 100 });
    run.defineMetric("val/*", { role: "validation-loss", goal: "minimize" });
    run.checkpoint({ step: 5, path: "/tmp/model" });
    await run.finish();
    const events = peer.batches.flatMap((batch) => bodyOf(batch).events);
    expect(events.map(({ event }) => event.case)).toEqual(["facts", "metricDefinition", "checkpoint"]);
    expect(events[0]?.event.value).toMatchObject({ classes: 10, plannedSteps: 100n });
    expect(events[1]?.event.value).toMatchObject({ pattern: "val/*", role: 2, goal: 1 });
    expect(events[2]?.event.value).toMatchObject({ step: 5n, path: "/tmp/model" });
  });
});

describe("old and new", () => {
  const listen = (): string[] => {
    const said: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      said.push(String(text));
      return true;
    });
    return said;
  };
  afterEach(() => vi.restoreAllMocks());

  test("an older server that ignores something is named, once", async () => {
    const said = listen();
    const { run } = await peerAndRun({ open: () => ({ server: "gradwatch-server/0.0.9", unknownFields: 3 }) }, { verbose: true });
    logSteps(run, 0, 5);
    expect(await run.finish()).toEqual(settled(10));
    expect(said.filter((line) => line.includes("gradwatch-server/0.0.9 is older than this SDK: it ignores 3 things"))).toHaveLength(1);
  });

  test("a newer server that asks for something unknown is served for the rest", async () => {
    const said = listen();
    const { run } = await peerAndRun(
      {
        batch(batch, stream) {
          // A message of the future: none of the cases that this version knows.
          for (let i = 0; i < 3; i++) stream.send({ case: undefined });
          stream.ack(batch.seq);
        },
      },
      { verbose: true },
    );
    logSteps(run, 0, 5);
    expect(await run.finish()).toEqual(settled(10));
    expect(said.filter((line) => line.includes("Upgrade @gradwatch/sdk"))).toHaveLength(1);
  });

  test.each([status.UNAUTHENTICATED, status.PERMISSION_DENIED])(
    "a key that is refused (%s) is told once and costs no points",
    async (code) => {
      const said = listen();
      const { run } = await peerAndRun({ open: (_request, attempt) => (attempt < 4 ? code : {}) }, { verbose: true });
      logSteps(run, 0, 100);
      expect(await run.finish()).toEqual(settled(200));
      expect(said.filter((line) => line.includes("does not take data for run p/r"))).toHaveLength(1);
    },
  );

  test("a server with which no protocol is shared is told, and training goes on", async () => {
    const said = listen();
    const { run } = await peerAndRun({ open: () => status.FAILED_PRECONDITION }, { verbose: true });
    logSteps(run, 0, 5);
    expect((await run.finish()).dropped).toEqual({ "run refused": 10 });
    expect(said.filter((line) => line.includes("does not take run p/r"))).toHaveLength(1);
  });
});
