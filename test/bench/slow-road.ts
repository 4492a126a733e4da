// A TCP proxy that holds every byte back for a while, each way: a server at the other end of the world.

import { createServer, connect, type Socket } from "node:net";

export interface SlowRoad {
  /** 127.0.0.1:PORT */
  readonly address: string;
  close(): void;
}

export async function slowRoad(target: string, oneWayMs: number): Promise<SlowRoad> {
  const [host = "", port = ""] = target.split(":");
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    const pass = (from: Socket, to: Socket): void => {
      sockets.add(from);
      from.on("data", (bytes) => setTimeout(() => to.writable && to.write(bytes), oneWayMs));
      from.on("close", () => setTimeout(() => to.destroy(), oneWayMs));
      from.on("error", () => undefined);
    };
    pass(near, far);
    pass(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  return {
    address: `127.0.0.1:${typeof bound === "object" && bound !== null ? bound.port : 0}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
