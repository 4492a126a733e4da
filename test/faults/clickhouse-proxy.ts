// A ClickHouse that refuses: a proxy that speaks its HTTP protocol before a real engine, and answers inserts with ClickHouse's own
// errors, before or after it has let them through, or drops the connection, or is away altogether.

import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** Code and name as in ClickHouse's src/Common/ErrorCodes.cpp. */
export interface ClickHouseFault {
  readonly code: number;
  readonly type: string;
}

export type Refusal =
  /** The engine never hears of it. */
  | { readonly kind: "refused"; readonly error: ClickHouseFault }
  /** The rows are in, and the server is told that they are not. */
  | { readonly kind: "refused after commit"; readonly error: ClickHouseFault }
  /** The rows are in, and the connection breaks before the answer. */
  | { readonly kind: "silent after commit" };

export interface ClickHouseProxy {
  readonly url: string;
  /** How many inserts met each refusal, by kind and code. */
  readonly refused: ReadonlyMap<string, number>;
  /** Nobody listens any more, and every connection is reset, until it is back. */
  away(): Promise<void>;
  back(): Promise<void>;
  /** From now on everything goes through. */
  heal(): void;
  close(): Promise<void>;
}

/** @param draw the refusal of the next insert into `table`; undefined: none */
export async function startClickHouseProxy(
  engineUrl: () => string,
  draw: (table: string) => Refusal | undefined,
): Promise<ClickHouseProxy> {
  const refused = new Map<string, number>();
  const sockets = new Set<Socket>();
  let healed = false;

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const table = insertTable(incoming.url ?? "");
    const refusal = table === undefined || healed ? undefined : draw(table);
    if (refusal !== undefined) {
      const what = `${refusal.kind} ${"error" in refusal ? refusal.error.code : ""}`.trim();
      refused.set(what, (refused.get(what) ?? 0) + 1);
    }
    if (refusal?.kind === "refused") {
      incoming.resume();
      await once(incoming, "end");
      sendError(response, refusal.error);
      return;
    }
    const upstream = request(new URL(incoming.url ?? "/", engineUrl()), { method: incoming.method, headers: incoming.headers });
    incoming.pipe(upstream);
    const [result] = (await once(upstream, "response")) as [IncomingMessage];
    if (refusal === undefined) {
      response.writeHead(result.statusCode ?? 502, result.headers);
      result.pipe(response);
      return;
    }
    result.resume();
    await once(result, "end");
    if (refusal.kind === "refused after commit") sendError(response, refusal.error);
    else response.destroy();
  }

  const server = createServer({ maxHeaderSize: 1024 * 1024 }, (incoming, response) => {
    // The engine or the server has gone in the middle: so does the connection between them.
    answer(incoming, response).catch(() => response.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  const away = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    refused,
    away,
    back: () => listen(port),
    heal: () => void (healed = true),
    close: away,
  };
}

/** @clickhouse/client puts the text of an insert into the address, and the rows into the body. */
function insertTable(url: string): string | undefined {
  const query = new URL(url, "http://clickhouse").searchParams.get("query") ?? "";
  return /^\s*INSERT\s+INTO\s+(\w+)/i.exec(query)?.[1];
}

function sendError(response: ServerResponse, { code, type }: ClickHouseFault): void {
  response.writeHead(500, { "X-ClickHouse-Exception-Code": code });
  response.end(`Code: ${code}. DB::Exception: planted by a test. (${type}) (version 26.7.2.1)`);
}
