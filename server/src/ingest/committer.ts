// Group commit: while one insert runs, what arrives queues up; when it ends, everything queued goes in the next. No
// timer: an idle server commits a batch at once, a busy one makes large inserts by itself. A batch is settled when
// every table it touches is durable, or when the engine says it can never be stored. Batches are settled in the order
// in which they were queued, so acknowledgements can be cumulative.

import { setTimeout as delay } from "node:timers/promises";
import { RejectReason } from "@gradwatch/proto";
import type { Store } from "../storage/store.ts";
import { StoreError } from "../storage/store.ts";
import type { DecodedBatch, Rejection } from "./decode-batch.ts";
import type { KnownRun } from "./known-run.ts";
import { type CommitItem, insertGroup } from "./insert-group.ts";

export interface Commit {
  readonly run: KnownRun;
  readonly batch: DecodedBatch;
  /** Called once, in queue order. */
  readonly settled: (rejection: Rejection | undefined) => void;
}

/** Takes its place in the order without any data: a batch that was rejected before it came here. */
export interface Placeholder {
  readonly settled: () => void;
}

export interface CommitterOptions {
  readonly store: Store;
  readonly nowMs: () => number;
  /** Rows of one insert; the engine splits larger ones, and they would not be atomic. */
  readonly insertRowsMax: number;
  /** Encoded bytes waiting; senders are held back above it. */
  readonly queueBytesMax: number;
  /** Rows are durable: the place to watch them. Called before they are acknowledged; must not throw. */
  readonly committed: (items: readonly CommitItem[], seconds: number) => void;
  /** An insert failed and will be tried again. */
  readonly retrying: (error: StoreError, attempt: number) => void;
}

export interface Committer {
  add(item: Commit | Placeholder): void;
  /** Resolves when there is room for another batch. */
  room(): Promise<void>;
  /** Resolves when everything added so far is settled. */
  flushed(): Promise<void>;
  readonly queuedBytes: () => number;
}

const retryDelayMsMax = 5_000;

export function createCommitter(options: CommitterOptions): Committer {
  let queue: (Commit | Placeholder)[] = [];
  let queuedBytes = 0;
  let running: Promise<void> | undefined;
  const waitingForRoom: (() => void)[] = [];

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const group = takeGroup();
      await settle(group);
      queuedBytes -= group.reduce((sum, item) => sum + bytesOf(item), 0);
      while (queuedBytes < options.queueBytesMax && waitingForRoom.length > 0) waitingForRoom.shift()?.();
    }
  }

  function takeGroup(): (Commit | Placeholder)[] {
    let rows = 0;
    let end = 0;
    for (; end < queue.length; end++) {
      rows += rowsOf(queue[end] as Commit | Placeholder);
      if (end > 0 && rows > options.insertRowsMax) break;
    }
    const group = queue.slice(0, end);
    queue = queue.slice(end);
    return group;
  }

  async function settle(group: readonly (Commit | Placeholder)[]): Promise<void> {
    const commits = group.filter((item): item is Commit => "batch" in item);
    const rejections = await insertPatiently(commits);
    for (const item of group) {
      if ("batch" in item) item.settled(rejections.get(item));
      else item.settled();
    }
  }

  /** Tries until it is stored; only a batch that the engine refuses by itself, alone, is rejected. */
  async function insertPatiently(commits: readonly Commit[]): Promise<Map<Commit, Rejection>> {
    for (let attempt = 1; commits.length > 0; attempt++) {
      const start = performance.now();
      try {
        await insertGroup(options.store, commits, options.nowMs());
        options.committed(commits, (performance.now() - start) / 1000);
        break;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        if (error.code === "rejected") {
          if (commits.length > 1) return await insertOneByOne(commits);
          const [only] = commits as [Commit];
          return new Map([
            [only, { reason: RejectReason.MALFORMED, message: `storage refused batch ${only.batch.seq}: ${error.message}` }],
          ]);
        }
        options.retrying(error, attempt);
        await delay(Math.min(retryDelayMsMax, 50 * 2 ** Math.min(attempt, 10)));
      }
    }
    return new Map();
  }

  async function insertOneByOne(commits: readonly Commit[]): Promise<Map<Commit, Rejection>> {
    const rejections = new Map<Commit, Rejection>();
    for (const commit of commits) {
      for (const [item, rejection] of await insertPatiently([commit])) rejections.set(item, rejection);
    }
    return rejections;
  }

  const start = (): void => {
    running ??= run().finally(() => {
      running = undefined;
      if (queue.length > 0) start();
    });
  };

  const add = (item: Commit | Placeholder): void => {
    queue.push(item);
    queuedBytes += bytesOf(item);
    start();
  };

  return {
    add,
    async room() {
      if (queuedBytes < options.queueBytesMax) return;
      await new Promise<void>((resolve) => waitingForRoom.push(resolve));
    },
    async flushed() {
      await new Promise<void>((resolve) => add({ settled: resolve }));
    },
    queuedBytes: () => queuedBytes,
  };
}

const bytesOf = (item: Commit | Placeholder): number => ("batch" in item ? item.batch.bytes : 0);
const rowsOf = (item: Commit | Placeholder): number => ("batch" in item ? item.batch.points + item.batch.tensors.length : 0);
