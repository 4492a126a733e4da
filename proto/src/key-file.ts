// Where a key lies that programs of one user find by themselves: one file a server address, mode 0600, holding nothing but the
// key. A server writes one for its own user, `gradwatch login` one for any other server; SDKs and the command line read them.
// Homes are shared between machines, so what is called loopback is told apart by the machine's name.

import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";

type Variables = Readonly<Record<string, string | undefined>>;

/** GRADWATCH_KEYS, or below the user's folder for configuration (XDG Base Directory; macOS: Preferences). */
export function keyFolder(variables: Variables): string {
  const given = variables["GRADWATCH_KEYS"];
  if (given !== undefined && given !== "") return given;
  const roaming = variables["APPDATA"];
  if (process.platform === "win32" && roaming !== undefined) return join(roaming, "gradwatch", "Config", "keys");
  if (process.platform === "darwin") return join(homedir(), "Library", "Preferences", "gradwatch", "keys");
  return join(variables["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "gradwatch", "keys");
}

/** Only reachable from this machine: 127.0.0.0/8, ::1 and localhost. */
export const isLoopback = (host: string): boolean => /^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(host);

/** @param address host:port, an IPv6 host in brackets. */
export function keyFile(folder: string, address: string): string {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at).toLowerCase();
  const name = isLoopback(host) ? `${hostname()}-loopback` : host;
  return join(folder, `${name.replaceAll(/[^a-z\d.-]/gi, "_")}_${address.slice(at + 1)}`);
}

/** The key for a server; undefined: none is there. */
export function readKey(folder: string, address: string): string | undefined {
  try {
    return readFileSync(keyFile(folder, address), "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Whether nobody but its user could have read it. */
export const isPrivate = (folder: string, address: string): boolean =>
  process.platform === "win32" || (statSync(keyFile(folder, address)).mode & 0o077) === 0;

/** Whole or not at all, and never readable by others. @throws the system's error when it cannot. */
export function writeKey(folder: string, address: string, key: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const file = keyFile(folder, address);
  const fresh = `${file}.${process.pid}`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, `${key}\n`, { mode: 0o600, flag: "wx" });
  renameSync(fresh, file);
}

export const removeKey = (folder: string, address: string): void => rmSync(keyFile(folder, address), { force: true });
