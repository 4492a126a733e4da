// A TCP proxy that breaks connections as its seed says: it delays, cuts at a byte, resets, goes half-open (swallows what one
// side says), and loses acknowledgements (swallows what the server says, then resets). It knows nothing of what it carries.

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { Random } from "../seeded-random.ts";

/** What becomes of one connection. In bytes, so that the same seed breaks at the same places on a slow machine. */
export type Fault =
  /** Every chunk arrives this much later; reset after so many bytes of the client. */
  | { readonly kind: "delay"; readonly chunkMs: number; readonly afterBytes: number }
  /** Ended in order after so many bytes of the client, however they lie in messages. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  | { readonly kind: "reset"; readonly afterBytes: number }
  /** What this side says after so many bytes is swallowed for `forMs`, then the connection is reset. */
  | { readonly kind: "silent client" | "silent server"; readonly afterBytes: number; readonly forMs: number };

export interface FaultyProxy {
  /** host:port to give to clients. */
  readonly address: string;
  /** How many connections each kind of fault has broken. */
  readonly broken: ReadonlyMap<string, number>;
  /** From now on every connection goes through unharmed; those that are there are reset. */
  heal(): void;
  /** Resets every connection and goes on. */
  resetAll(): void;
  close(): Promise<void>;
}

export interface FaultyProxyOptions {
  /** Port of the server that the next connection goes to. */
  readonly target: () => number;
  /** The fault of the next connection; undefined: none. */
  readonly draw: () => Fault | undefined;
}

export async function startFaultyProxy({ target, draw }: FaultyProxyOptions): Promise<FaultyProxy> {
  const broken = new Map<string, number>();
  const open = new Set<() => void>();
  let healed = false;
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: target(), host: "127.0.0.1", noDelay: true });
    const fault = healed ? undefined : draw();
    const reset = (): void => {
      open.delete(reset);
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    };
    open.add(reset);
    for (const socket of [client, upstream]) {
      socket.on("error", reset);
      socket.on("close", reset);
    }
    carry(client, upstream, fault, (how) => {
      if (!open.has(reset)) return;
      if (fault !== undefined) broken.set(fault.kind, (broken.get(fault.kind) ?? 0) + 1);
      if (how === "reset") reset();
      else for (const socket of [client, upstream]) socket.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const resetAll = (): void => [...open].forEach((reset) => reset());
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    broken,
    resetAll,
    heal() {
      healed = true;
      resetAll();
    },
    async close() {
      resetAll();
      server.close();
      await once(server, "close");
    },
  };
}

function carry(client: Socket, upstream: Socket, fault: Fault | undefined, end: (how: "reset" | "end") => void): void {
  switch (fault?.kind) {
    case undefined:
      client.pipe(upstream).pipe(client);
      break;
    case "delay": {
      let left = fault.afterBytes;
      client.on("data", (chunk) => {
        left -= chunk.length;
        if (left <= 0) end("reset");
      });
      for (const [from, to] of bothWays(client, upstream)) {
        from.on("data", (chunk) => setTimeout(() => to.destroyed || to.write(chunk), fault.chunkMs));
      }
      break;
    }
    case "cut":
    case "reset": {
      let left = fault.afterBytes;
      client.on("data", (chunk) => {
        upstream.write(chunk.subarray(0, Math.max(0, left)));
        left -= chunk.length;
        if (left <= 0) end(fault.kind === "cut" ? "end" : "reset");
      });
      upstream.pipe(client);
      break;
    }
    case "silent client":
    case "silent server": {
      const [silent, other] = fault.kind === "silent client" ? [client, upstream] : [upstream, client];
      let left = fault.afterBytes;
      silent.on("data", (chunk) => {
        other.write(chunk.subarray(0, Math.max(0, left)));
        if (left > 0 && left <= chunk.length) setTimeout(() => end("reset"), fault.forMs);
        left -= chunk.length;
      });
      other.pipe(silent);
      break;
    }
  }
}

const bothWays = (client: Socket, upstream: Socket): [Socket, Socket][] => [
  [client, upstream],
  [upstream, client],
];

/** One in four breaks while the run is being opened, the others after some batches or acknowledgements. */
export function drawFault(random: Random): Fault {
  const isEarly = random.uniform() < 0.25;
  const between = (from: number, to: number): number => Math.floor(from + (to - from) * random.uniform());
  const clientBytes = (): number => (isEarly ? between(1, 1_200) : between(1_200, 5_000));
  const serverBytes = (): number => (isEarly ? between(1, 500) : between(500, 800));
  switch (random.integer(5)) {
    case 0:
      return { kind: "delay", chunkMs: between(1, 60), afterBytes: clientBytes() };
    case 1:
      return { kind: "cut", afterBytes: clientBytes() };
    case 2:
      return { kind: "reset", afterBytes: clientBytes() };
    case 3:
      return { kind: "silent client", afterBytes: clientBytes(), forMs: between(20, 300) };
    default:
      return { kind: "silent server", afterBytes: serverBytes(), forMs: between(20, 300) };
  }
}
