// Which open streams hear about which run: alerts and requests go to every process that writes to it.

import { create } from "@bufbuild/protobuf";
import { type WriteResponse, WriteResponseSchema } from "@gradwatch/proto";
import type { KnownRun } from "./known-run.ts";

export interface Listener {
  write(response: WriteResponse): boolean;
}

export interface Subscribers {
  add(run: KnownRun, listener: Listener): void;
  remove(listener: Listener): void;
  /** Those that have a stream here. */
  runs(): ReadonlySet<bigint>;
  /** Returns how many streams it went down. */
  send(run: Pick<KnownRun, "key">, message: WriteResponse["message"]): number;
}

export function createSubscribers(): Subscribers {
  const byRun = new Map<bigint, Set<Listener>>();
  return {
    add(run, listener) {
      const listeners = byRun.get(run.key) ?? new Set();
      byRun.set(run.key, listeners.add(listener));
    },
    remove(listener) {
      for (const [key, listeners] of byRun) {
        if (listeners.delete(listener) && listeners.size === 0) byRun.delete(key);
      }
    },
    runs: () => new Set(byRun.keys()),
    send(run, message) {
      const listeners = byRun.get(run.key) ?? [];
      let sent = 0;
      for (const listener of listeners) {
        listener.write(create(WriteResponseSchema, { message }));
        sent += 1;
      }
      return sent;
    },
  };
}
