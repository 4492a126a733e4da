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
  send(run: KnownRun, message: WriteResponse["message"]): void;
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
    send(run, message) {
      for (const listener of byRun.get(run.key) ?? []) listener.write(create(WriteResponseSchema, { message }));
    },
  };
}
