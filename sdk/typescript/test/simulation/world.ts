// A world with a seeded clock, network and server, in which the real batcher, spool and sender run: hours of trouble cost
// milliseconds, and a seed replays them. The disk is real.

import { create, fromBinary } from "@bufbuild/protobuf";
import {
  type Batch,
  BatchBodySchema,
  CloseRunResponseSchema,
  decodeIntColumn,
  float64Column,
  type OpenRunRequest,
  OpenRunResponseSchema,
  type WriteResponse,
  WriteResponseSchema,
} from "@gradwatch/proto";
import type { Environment } from "../../src/environment.ts";
import type { CallError, Network, StreamEvents, WriteStream } from "../../src/network.ts";

export interface Random {
  (): number;
}

/** mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/** Virtual time. */
export interface Clock {
  readonly now: () => number;
  later(delayMs: number, task: () => void): () => void;
  /** Runs the next task; false when there is none. */
  step(): Promise<boolean>;
}

export function createClock(): Clock {
  let now = 1_700_000_000_000;
  let order = 0;
  let timers: Timer[] = [];
  return {
    now: () => now,
    later(delayMs, task) {
      const timer = { at: now + Math.max(0, delayMs), order: order++, task };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    async step() {
      const next = timers.reduce<Timer | undefined>(
        (a, b) => (a === undefined || b.at < a.at || (b.at === a.at && b.order < a.order) ? b : a),
        undefined,
      );
      if (next === undefined) return false;
      timers = timers.filter((one) => one !== next);
      now = Math.max(now, next.at);
      next.task();
      // What promises had waiting runs before the next task.
      await new Promise((resolve) => setImmediate(resolve));
      return true;
    },
  };
}

/** What a process has of the world; when it is dead, nothing of it runs any more. */
export interface Process {
  readonly environment: Environment;
  readonly connect: () => Network;
  kill(): void;
}

export interface Faults {
  /** Chance that a call, a stream's message or an acknowledgement breaks its connection. */
  readonly breaks: number;
  /** Chance that a batch that was taken is taken once more, later. */
  readonly repeats: number;
  /** Chance that OpenRun finds nobody. */
  readonly away: number;
  readonly delayMsMax: number;
}

export interface StoredRow {
  readonly ver: bigint;
  readonly value: number;
}

/** Stores as the server does: for one (rank, metric, step) the largest version wins; acknowledges after a while. */
export interface World {
  readonly clock: Clock;
  readonly rows: ReadonlyMap<string, StoredRow>;
  /** @param clockSkewMs How far its clock is off. */
  startProcess(clockSkewMs?: number): Process;
  /** From now on nothing breaks. */
  heal(): void;
}

export function createWorld(random: Random, given: Faults): World {
  const clock = createClock();
  const rows = new Map<string, StoredRow>();
  const sessions = new Map<string, { session: number; verStart: bigint }>();
  let faults = given;
  const chance = (share: number): boolean => random() < share;
  const delay = (): number => random() * faults.delayMsMax;

  function store(batch: Batch): void {
    const body = fromBinary(BatchBodySchema, batch.body);
    for (const { metrics, steps, values } of body.scalars) {
      const at = steps === undefined ? [] : [...decodeIntColumn(steps, steps.count)];
      const column = float64Column(values, at.length * metrics.length);
      metrics.forEach((metric, m) =>
        at.forEach((step, i) => {
          const key = `${body.rank} ${body.metrics[metric]} ${step}`;
          const before = rows.get(key);
          if (before === undefined || body.ver >= before.ver) rows.set(key, { ver: body.ver, value: column[m * at.length + i] as number });
        }),
      );
    }
  }

  function sessionOf(request: OpenRunRequest): { session: number; verStart: bigint } {
    const producer = Buffer.from(request.producer).toString("hex");
    const own = sessions.get(producer);
    if (own !== undefined) return own;
    const largest = [...rows.values()].reduce((most, { ver }) => (ver > most ? ver : most), 0n);
    const now = BigInt(Math.floor(clock.now())) * 1000n;
    const verStart = request.firstVer > 0n ? request.firstVer : largest >= now ? largest + 1n : now;
    const fresh = { session: sessions.size, verStart };
    sessions.set(producer, fresh);
    return fresh;
  }

  function startProcess(clockSkewMs = 0): Process {
    let alive = true;
    const later = (delayMs: number, task: () => void): (() => void) =>
      clock.later(delayMs, () => {
        if (alive) task();
      });
    /** An answer of the server, after a while, or the news that the connection broke. */
    const call = <Answer>(answer: () => Answer): Promise<Answer | CallError> =>
      new Promise((resolve) => {
        const broken = { permanent: false, message: "the simulation broke it" };
        if (chance(faults.away)) later(delay(), () => resolve(broken));
        // What the server does, it does whether or not the client hears of it.
        else {
          clock.later(delay(), () => {
            const answered = answer();
            later(delay(), () => resolve(chance(faults.breaks) ? broken : answered));
          });
        }
      });

    const write = (events: StreamEvents): WriteStream => {
      let open = true;
      let arrived = 0;
      const end = (): void => {
        if (!open) return;
        open = false;
        later(delay(), () => events.ended({ permanent: false, message: "the simulation broke it" }));
      };
      const respond = (message: WriteResponse["message"], at: number): void => {
        clock.later(at, () => {
          if (!open) return;
          if (chance(faults.breaks)) end();
          else later(0, () => open && events.response(create(WriteResponseSchema, { message })));
        });
      };
      return {
        write({ message }) {
          if (!open || message.case !== "batch") return;
          const { value: batch } = message;
          if (chance(faults.breaks)) {
            end();
            return;
          }
          // In order, as one stream is.
          arrived = Math.max(arrived, clock.now() + delay());
          clock.later(arrived - clock.now(), () => {
            if (!open) return;
            store(batch);
            if (chance(faults.repeats)) clock.later(delay() * 50, () => store(batch));
            respond({ case: "ack", value: { $typeName: "gradwatch.v1.Ack", producer: batch.producer, seq: batch.seq } }, delay());
          });
        },
        end: () => {
          open = false;
        },
        cancel: () => {
          open = false;
        },
      };
    };

    return {
      environment: {
        nowMs: () => Math.floor(clock.now() + clockSkewMs),
        random,
        randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
        later,
        writeLine: () => undefined,
        atEnd: () => () => undefined,
      },
      connect: () => ({
        openRun: (request) =>
          call(() => {
            const { session, verStart } = sessionOf(request);
            return create(OpenRunResponseSchema, { protocol: 1, session, verMax: verStart - 1n, heartbeatIntervalMs: 1e9 });
          }),
        closeRun: () => call(() => create(CloseRunResponseSchema, {})),
        write,
        close: () => undefined,
      }),
      kill: () => {
        alive = false;
      },
    };
  }

  return {
    clock,
    rows,
    startProcess,
    heal() {
      faults = { breaks: 0, repeats: 0, away: 0, delayMsMax: 5 };
    },
  };
}
