// A world with a seeded clock, network, disk and servers, in which the real batcher, spool and sender run: hours of trouble cost
// milliseconds, and a seed replays them. Files are real; whether they take another byte is the seed's to say. Two servers share
// one store, as two Gradwatch servers share one ClickHouse.

import * as fs from "node:fs";
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
  /** Its clock is set. */
  jump(ms: number): void;
  /** Whether its disk ever refused: what it could not write dies with it. */
  readonly lostDisk: () => boolean;
  kill(): void;
}

export interface Faults {
  /** Chance that a call, a stream's message or an acknowledgement breaks its connection. */
  readonly breaks: number;
  /** Chance that a batch that was taken is taken once more, later. */
  readonly repeats: number;
  /** Chance that OpenRun finds nobody. */
  readonly away: number;
  /** Chance that a stream takes everything and answers nothing, until its keepalive gives up. */
  readonly halfOpen: number;
  /** Chance that a server sends a process to the other one. */
  readonly redirects: number;
  /** Chance that a server asks for a pause with its acknowledgement. */
  readonly pauses: number;
  /** Chance that a write to disk finds it full; it may have taken a part by then. */
  readonly diskFull: number;
  readonly delayMsMax: number;
}

/** keepalive_time + keepalive_timeout of the real channel. */
const KEEPALIVE_MS = 40_000;
/** The store never takes a batch with this metric. */
export const POISON = "poison";

export interface StoredRow {
  readonly ver: bigint;
  readonly value: number;
}

/** Stores as the server does: for one (rank, metric, step) the largest version wins; acknowledges after a while. */
export interface World {
  readonly clock: Clock;
  readonly rows: ReadonlyMap<string, StoredRow>;
  /** Values of the batches that were rejected. */
  readonly rejectedValues: ReadonlySet<number>;
  /** @param clockSkewMs How far its clock is off. */
  startProcess(clockSkewMs?: number): Process;
  /** From now on, these. */
  set(faults: Partial<Faults>): void;
  /** From now on nothing breaks. */
  heal(): void;
}

export function createWorld(random: Random, given: Faults): World {
  const clock = createClock();
  const rows = new Map<string, StoredRow>();
  const rejectedValues = new Set<number>();
  const sessions = new Map<string, { session: number; verStart: bigint }>();
  let faults = given;
  const chance = (share: number): boolean => random() < share;
  const delay = (): number => random() * faults.delayMsMax;

  /** False: it is rejected, now and every other time. */
  function store(batch: Batch): boolean {
    const body = fromBinary(BatchBodySchema, batch.body);
    const isPoison = body.metrics.includes(POISON);
    for (const { metrics, steps, values } of body.scalars) {
      const at = steps === undefined ? [] : [...decodeIntColumn(steps, steps.count)];
      const column = float64Column(values, at.length * metrics.length);
      metrics.forEach((metric, m) =>
        at.forEach((step, i) => {
          const key = `${body.rank} ${body.metrics[metric]} ${step}`;
          if (isPoison) {
            rejectedValues.add(column[m * at.length + i] as number);
            return;
          }
          const before = rows.get(key);
          if (before === undefined || body.ver >= before.ver) rows.set(key, { ver: body.ver, value: column[m * at.length + i] as number });
        }),
      );
    }
    return !isPoison;
  }

  function sessionOf(request: OpenRunRequest): { session: number; verStart: bigint } {
    const producer = Buffer.from(request.producer).toString("hex");
    const own = sessions.get(producer);
    if (own !== undefined) return own;
    const largest = [...rows.values()].reduce((most, { ver }) => (ver > most ? ver : most), 0n);
    const begin = request.firstVer > 0n ? request.firstVer : BigInt(Math.floor(clock.now())) * 1000n;
    const verStart = request.late || largest < begin ? begin : largest + 1n;
    const fresh = { session: sessions.size, verStart };
    sessions.set(producer, fresh);
    return fresh;
  }

  function startProcess(clockSkewMs = 0): Process {
    let alive = true;
    let skewMs = clockSkewMs;
    let lostDisk = false;
    const open = new Set<number>();
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
      let answered = 0;
      const isSilent = chance(faults.halfOpen);
      if (isSilent) later(KEEPALIVE_MS, () => end());
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
          if (!open || isSilent || message.case !== "batch") return;
          const { value: batch } = message;
          if (chance(faults.breaks)) {
            end();
            return;
          }
          // In order, as one stream is.
          arrived = Math.max(arrived, clock.now() + delay());
          clock.later(arrived - clock.now(), () => {
            if (!open) return;
            const isStored = store(batch);
            if (chance(faults.repeats)) clock.later(delay() * 50, () => void store(batch));
            const { producer, seq } = batch;
            answered = Math.max(answered, clock.now() + delay());
            const at = answered - clock.now();
            if (!isStored)
              respond({ case: "rejected", value: { $typeName: "gradwatch.v1.Rejected", producer, seq, reason: 3, message: "poison" } }, at);
            respond({ case: "ack", value: { $typeName: "gradwatch.v1.Ack", producer, seq } }, at);
            if (chance(faults.pauses)) {
              respond(
                {
                  case: "backPressure",
                  value: { $typeName: "gradwatch.v1.BackPressure", pauseMs: Math.floor(random() * 2_000), reason: "" },
                },
                at,
              );
            }
            if (chance(faults.redirects)) {
              respond(
                { case: "redirect", value: { $typeName: "gradwatch.v1.Redirect", project: "p", runId: "r", url: "other:1", reason: "" } },
                at,
              );
            }
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
        nowMs: () => Math.floor(clock.now() + skewMs),
        random,
        randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
        later,
        writeLine: () => undefined,
        atEnd: () => () => undefined,
        files: {
          ...fs,
          openSync: (...given) => {
            const file = fs.openSync(...given);
            open.add(file);
            return file;
          },
          closeSync: (file) => {
            open.delete(file);
            fs.closeSync(file);
          },
          writeSync: ((file: number, bytes: Uint8Array, given?: number) => {
            const offset = given ?? 0;
            if (!chance(faults.diskFull)) return fs.writeSync(file, bytes, offset);
            lostDisk = true;
            if (chance(0.5)) fs.writeSync(file, bytes, offset, Math.floor(random() * (bytes.length - offset)));
            throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
          }) as typeof fs.writeSync,
        },
      },
      connect: () => ({
        openRun: (request) =>
          call(() => {
            const { session, verStart } = sessionOf(request);
            const redirectUrl = chance(faults.redirects) ? "other:1" : "";
            return create(OpenRunResponseSchema, { protocol: 1, session, verMax: verStart - 1n, heartbeatIntervalMs: 1e9, redirectUrl });
          }),
        closeRun: () => call(() => create(CloseRunResponseSchema, {})),
        write,
        close: () => undefined,
      }),
      jump: (ms) => void (skewMs += ms),
      lostDisk: () => lostDisk,
      kill: () => {
        alive = false;
        // As the system does for the dead.
        for (const file of open) fs.closeSync(file);
      },
    };
  }

  return {
    clock,
    rows,
    rejectedValues,
    startProcess,
    set: (some) => void (faults = { ...faults, ...some }),
    heal() {
      faults = { breaks: 0, repeats: 0, away: 0, halfOpen: 0, redirects: 0, pauses: 0, diskFull: 0, delayMsMax: 5 };
    },
  };
}
