// The HTTP side's socket: opened with one clear line when it cannot be, closed with every connection on it.

import { createServer as createTlsServer } from "node:https";
import { serve as serveHttp, type ServerType } from "@hono/node-server";
import type { TlsFiles } from "./auth/exposure.ts";

export function listenHttp(
  api: Parameters<typeof serveHttp>[0] extends { fetch: infer Fetch } ? { fetch: Fetch } : never,
  host: string,
  port: number,
  tls: TlsFiles | undefined,
): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const secure = tls === undefined ? {} : { createServer: createTlsServer, serverOptions: tls };
    const server = serveHttp({ fetch: api.fetch, hostname: host, port, ...secure }, () => resolve(server));
    server.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "EADDRINUSE" ? "the port is taken by another program" : error.message;
      reject(new Error(`cannot listen for HTTP on ${host}:${port}: ${reason}. Free the port, or choose another with --http-port.`));
    });
  });
}

export async function closeHttp(http: ServerType, hub: { close(): void }): Promise<void> {
  hub.close();
  await new Promise<void>((resolve) => {
    http.close(() => resolve());
    if ("closeAllConnections" in http) http.closeAllConnections();
  });
}
