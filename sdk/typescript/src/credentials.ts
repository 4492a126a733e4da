// What the SDK shows to a server, and what it demands of one: the API key (given, or in the file that the server or `gradwatch
// login` left for this user) and the certificates to trust. The key is read again at every call: it may come or change while a
// training runs.

import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { keyFolder, readKey } from "@gradwatch/proto";

type Variables = Readonly<Record<string, string | undefined>>;

export interface Credentials {
  /** For the server at host:port. */
  readonly keyFor: (target: string) => string | undefined;
  /** PEM; null: those that Node trusts. */
  readonly certificates: Buffer | null;
}

/** @param warn told of a file of certificates that cannot be used */
export function credentialsOf(apiKey: string | undefined, variables: Variables, warn: (message: string) => void): Credentials {
  return {
    keyFor: (target) => apiKey ?? readKey(keyFolder(variables), target),
    certificates: readCertificates(variables["GRADWATCH_CA"], warn),
  };
}

function readCertificates(file: string | undefined, warn: (message: string) => void): Buffer | null {
  if (file === undefined || file === "") return null;
  try {
    const ca = readFileSync(file);
    createSecureContext({ ca });
    return ca;
  } catch (error) {
    warn(`GRADWATCH_CA is ${file}, which cannot be used (${error instanceof Error ? error.message : String(error)}). Give a PEM file.`);
    return null;
  }
}
