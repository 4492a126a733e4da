// The hub tells everybody everything in order, or says how much is missing; it never keeps more than its ring.

import { expect, test } from "vitest";
import type { LiveEvent } from "../../src/api/schema.ts";
import { createHub, type LiveEntry, type Subscription } from "../../src/live/hub.ts";

const points = (n: number, project = "p", run = "r"): LiveEvent => ({ type: "points", project, run, stepMax: n, points: 1 });

async function take(subscription: Subscription, count: number): Promise<LiveEntry[]> {
  const taken: LiveEntry[] = [];
  if (count === 0) return taken;
  for await (const entry of subscription) {
    taken.push(entry);
    if (taken.length === count) break;
  }
  return taken;
}

const events = (entries: readonly LiveEntry[]): LiveEvent[] => entries.map(({ event }) => event);

test("a subscriber gets what is published after it came, in order", async () => {
  const hub = createHub({ ringEventsMax: 10 });
  hub.publish(points(0));
  const subscription = hub.subscribe();
  const taken = take(subscription, 3);
  for (const n of [1, 2, 3]) hub.publish(points(n));
  expect(events(await taken)).toEqual([points(1), points(2), points(3)]);
});

test("a filter keeps other projects and runs out", async () => {
  const hub = createHub({ ringEventsMax: 10 });
  const one = hub.subscribe({ project: "p", run: "r" });
  const project = hub.subscribe({ project: "p" });
  hub.publish(points(1, "q"));
  hub.publish(points(2, "p", "other"));
  hub.publish(points(3));
  expect(events(await take(one, 1))).toEqual([points(3)]);
  expect(events(await take(project, 2))).toEqual([points(2, "p", "other"), points(3)]);
});

test("a tenant hears of its own projects alone, whatever it asks for", async () => {
  const hub = createHub({ ringEventsMax: 10 });
  const mine = hub.subscribe({ tenant: ["p"] });
  const nosy = hub.subscribe({ tenant: ["p"], project: "q" });
  const all = hub.subscribe({ tenant: ["*"] });
  hub.publish(points(1, "q"));
  hub.publish(points(2, "p"));
  expect(events(await take(mine, 1))).toEqual([points(2, "p")]);
  expect(events(await take(all, 2))).toEqual([points(1, "q"), points(2, "p")]);
  const heard = take(nosy, 1);
  hub.close();
  expect(events(await heard)).toEqual([]);
});

test("a slow subscriber gets one lagged event with the count, then goes on", async () => {
  const hub = createHub({ ringEventsMax: 4 });
  const slow = hub.subscribe();
  for (let n = 0; n < 10; n++) hub.publish(points(n));
  expect(events(await take(slow, 5))).toEqual([{ type: "lagged", missed: 6 }, points(6), points(7), points(8), points(9)]);
});

test("a subscriber resumes after the id it saw", async () => {
  const hub = createHub({ ringEventsMax: 10 });
  const first = hub.subscribe();
  for (let n = 0; n < 4; n++) hub.publish(points(n));
  const [, second] = await take(first, 2);
  expect(events(await take(hub.subscribe({ afterId: second?.id }), 2))).toEqual([points(2), points(3)]);
});

test("the id of a lagged event resumes behind the gap", async () => {
  const hub = createHub({ ringEventsMax: 2 });
  const slow = hub.subscribe();
  for (let n = 0; n < 5; n++) hub.publish(points(n));
  const [lagged] = await take(slow, 1);
  expect(events(await take(hub.subscribe({ afterId: lagged?.id }), 2))).toEqual([points(3), points(4)]);
});

test.each(["other-3", "garbage", "", "here-99", "here--2", "here-1.5"])(
  "an id that this process did not give (%j) counts as lagged",
  async (afterId) => {
    const hub = createHub({ ringEventsMax: 10, epoch: "here" });
    hub.publish(points(0));
    expect(events(await take(hub.subscribe({ afterId }), 2))).toEqual([{ type: "lagged", missed: 0 }, points(0)]);
  },
);

test("closing ends the subscriptions, also those that wait", async () => {
  const hub = createHub({ ringEventsMax: 10 });
  const waiting = take(hub.subscribe(), 1);
  const own = hub.subscribe();
  const ended = take(own, 1);
  expect(hub.subscribers()).toBe(2);
  own.close();
  expect(await ended).toEqual([]);
  expect(hub.subscribers()).toBe(1);
  hub.close();
  expect(await waiting).toEqual([]);
  expect(hub.subscribers()).toBe(0);
});
