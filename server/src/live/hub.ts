// What happens, told to whoever listens: publish/subscribe inside one process. Events go into one bounded ring and a
// subscriber is only a position in it, so a slow one costs no memory: when the ring has overtaken it, it gets one
// `lagged` event that says how many it missed, and goes on from there. Nothing here is stored; the store is the truth.

import { randomBytes } from "node:crypto";
import type { LiveEvent } from "../api/schema.ts";
import { covers } from "../auth/authorize.ts";
import type { Tenant } from "../auth/principal.ts";

export interface LiveEntry {
  /** Opaque and unique over restarts: resuming with another process's id is noticed. */
  readonly id: string;
  readonly event: LiveEvent;
}

export interface SubscribeOptions {
  /** Only events of this project; absent: of all. */
  readonly project?: string | undefined;
  /** Only events of this run of the project. */
  readonly run?: string | undefined;
  /** Only events of these projects; absent: of all. */
  readonly tenant?: Tenant | undefined;
  /** Go on after this entry; absent: from now on. */
  readonly afterId?: string | undefined;
}

export interface Subscription extends AsyncIterable<LiveEntry> {
  close(): void;
}

export interface Hub {
  publish(event: LiveEvent): void;
  /** May be iterated once. */
  subscribe(options?: SubscribeOptions): Subscription;
  /** Ends every subscription. */
  close(): void;
  readonly subscribers: () => number;
}

export interface HubOptions {
  /** Events kept for resuming and for slow subscribers. */
  readonly ringEventsMax: number;
  /** Tells this process's ids from another's. */
  readonly epoch?: string;
}

export function createHub({ ringEventsMax, epoch = randomBytes(6).toString("hex") }: HubOptions): Hub {
  const ring: LiveEvent[] = [];
  /** Sequence number of the next event; event n lies at n % ringEventsMax. */
  let next = 0;
  const wakers = new Set<() => void>();
  const open = new Set<Subscription>();

  const oldest = (): number => Math.max(0, next - ringEventsMax);
  const idOf = (sequence: number): string => `${epoch}-${sequence}`;

  function wakeAll(): void {
    for (const wake of wakers) wake();
    wakers.clear();
  }

  /** Where a subscription starts; undefined: the id is of another process, so anything may have been missed. */
  function startAfter(id: string | undefined): number | undefined {
    if (id === undefined) return next;
    const sequence = id.startsWith(`${epoch}-`) ? Number(id.slice(epoch.length + 1)) : Number.NaN;
    return Number.isInteger(sequence) && sequence >= -1 && sequence < next ? sequence + 1 : undefined;
  }

  function subscribe(options: SubscribeOptions = {}): Subscription {
    const start = startAfter(options.afterId);
    let cursor = start ?? oldest();
    let lost = start === undefined;
    let closed = false;
    let wake = (): void => undefined;

    async function* iterate(): AsyncGenerator<LiveEntry> {
      try {
        while (!closed) {
          const missed = Math.max(0, oldest() - cursor);
          if (missed > 0 || lost) {
            lost = false;
            cursor += missed;
            yield { id: idOf(cursor - 1), event: { type: "lagged", missed } };
          } else if (cursor < next) {
            const event = ring[cursor % ringEventsMax] as LiveEvent;
            const id = idOf(cursor++);
            if (concerns(event, options)) yield { id, event };
          } else {
            await new Promise<void>((resolve) => {
              wake = resolve;
              wakers.add(resolve);
            });
          }
        }
      } finally {
        subscription.close();
      }
    }

    const subscription: Subscription = {
      [Symbol.asyncIterator]: iterate,
      close() {
        closed = true;
        open.delete(subscription);
        wakers.delete(wake);
        wake();
      },
    };
    open.add(subscription);
    return subscription;
  }

  return {
    publish(event) {
      ring[next % ringEventsMax] = event;
      next++;
      wakeAll();
    },
    subscribe,
    close() {
      for (const subscription of open) subscription.close();
    },
    subscribers: () => open.size,
  };
}

function concerns(event: LiveEvent, { project, run, tenant }: SubscribeOptions): boolean {
  if (event.type === "lagged") return true;
  const about = event.type === "incident" ? event.incident : event;
  if (tenant !== undefined && !covers(tenant, [about.project])) return false;
  return (project === undefined || about.project === project) && (run === undefined || about.run === run);
}
