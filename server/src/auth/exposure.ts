// Whether the server may listen where it was told to. Keys must not travel readable: beyond this machine there is TLS, or somebody
// says that a proxy on the way speaks it.

import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { isLoopback } from "@gradwatch/proto";
import type { Config } from "../config.ts";

export interface TlsFiles {
  /** PEM: the certificate, then those between it and the root. */
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** One clear line when it may not. */
export function exposureProblem({ host, tlsCert, tlsKey, behindProxy }: Config): string | undefined {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    return `${tlsCert === undefined ? "--tls-key" : "--tls-cert"} is given alone. Give both: the certificate and its private key, as PEM files.`;
  }
  if (isLoopback(host) || tlsCert !== undefined || behindProxy) return undefined;
  return `--host is ${JSON.stringify(host)}, which other machines may reach, and there is no TLS: keys would travel readable. Give --tls-cert and --tls-key; or --behind-proxy if a proxy before this server speaks TLS; or listen on 127.0.0.1.`;
}

/** @throws Error with one clear line when they cannot be used. */
export function readTls({ tlsCert, tlsKey }: Config): TlsFiles | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  try {
    const files = { cert: readFileSync(tlsCert), key: readFileSync(tlsKey) };
    createSecureContext(files);
    return files;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `TLS with --tls-cert ${tlsCert} and --tls-key ${tlsKey} cannot be used: ${reason}. Give PEM files that belong together.`,
      {
        cause: error,
      },
    );
  }
}

/** As it stands in an address. */
export const inAddress = (host: string): string => (host.includes(":") && !host.startsWith("[") ? `[${host}]` : host);

/** Names under which programs of this machine may know the server: where its user's key is to be found. */
export function ownAddresses(host: string, ports: readonly number[], publicUrl: string | undefined): string[] {
  const everywhere = ["0.0.0.0", "::", "[::]"].includes(host);
  const names = everywhere ? ["127.0.0.1"] : [inAddress(host)];
  const local = names.flatMap((name) => ports.map((port) => `${name}:${port}`));
  if (publicUrl === undefined) return local;
  const { protocol, hostname, port } = new URL(publicUrl);
  const reached = port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
  return [...new Set([...local, `${hostname}:${reached}`, ...ports.map((each) => `${hostname}:${each}`)])];
}
