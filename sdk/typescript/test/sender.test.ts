// The sender alone, on a clock and a network that the test moves by hand: what a real one does only when timing is unlucky.

import { create } from "@bufbuild/protobuf";
import { OpenRunRequestSchema, type OpenRunResponse, OpenRunResponseSchema } from "@gradwatch/proto";
import { expect, test } from "vitest";
import type { Environment } from "../src/environment.ts";
import type { Network } from "../src/network.ts";
import type { Outbox } from "../src/outbox.ts";
import { createSender, type SenderEvents } from "../src/sender.ts";

test("a run that ends while it is being opened is opened once, and has one stream", async () => {
  const timers = new Set<() => void>();
  const later = (_afterMs: number, what: () => void): (() => void) => {
    timers.add(what);
    return () => void timers.delete(what);
  };
  let answer: (response: OpenRunResponse) => void = () => undefined;
  const made = { opens: 0, streams: 0 };
  const network: Partial<Network> = {
    openRun: () => {
      made.opens += 1;
      return new Promise((resolve) => (answer = resolve));
    },
    write: () => {
      made.streams += 1;
      return { write: () => undefined, end: () => undefined, cancel: () => undefined };
    },
  };
  const sender = createSender({
    environment: { later, nowMs: () => 0, random: () => 0.5 } as Partial<Environment> as Environment,
    connect: () => network as Network,
    outbox: { head: () => [] } as Partial<Outbox> as Outbox,
    request: create(OpenRunRequestSchema),
    seal: () => undefined,
    events: { opened: () => undefined } as Partial<SenderEvents> as SenderEvents,
    lastStep: () => undefined,
  });
  sender.start();
  // finish() asks for haste; the answer comes before that timer.
  sender.hurry();
  const hurried = [...timers];
  answer(create(OpenRunResponseSchema));
  await Promise.resolve();
  for (const fire of hurried.filter((timer) => timers.has(timer))) fire();
  expect(made).toEqual({ opens: 1, streams: 1 });
});
