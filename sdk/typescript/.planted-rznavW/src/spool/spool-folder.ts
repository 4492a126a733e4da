// Where spools lie: one folder a producer, below a root that only its user may read. A folder has an owner, the process
// that writes it; when that is gone, what it left may be sent by anybody.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";

export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Tells a process from a later one with its id; empty where the system does not say. */
  readonly started: string;
  /** Server that the run was meant for, as host:port. */
  readonly target: string;
  readonly tls: boolean;
}

const OWNER_FILE = "owner.json";

type Variables = Readonly<Record<string, string | undefined>>;

/** GRADWATCH_SPOOL, or the user's folder for state (XDG Base Directory; macOS: Application Support). */
export function defaultSpoolRoot(variables: Variables): string {
  const given = variables["GRADWATCH_SPOOL"];
  if (given !== undefined && given !== "") return given;
  const local = variables["LOCALAPPDATA"];
  if (process.platform === "win32" && local !== undefined) return join(local, "gradwatch", "spool");
  if (process.platform === "darwin") return join(homedir(), "Library", "Application Support", "gradwatch", "spool");
  return join(variables["XDG_STATE_HOME"] || join(homedir(), ".local", "state"), "gradwatch", "spool");
}

/** Makes a producer's folder. @throws the system's error when it cannot. */
export function createSpoolFolder(root: string, producer: string, target: string, tls: boolean): string {
  const folder = join(root, producer);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  own(folder, { target, tls });
  return folder;
}

/** Makes this process the owner. */
export function own(folder: string, { target, tls }: Pick<Owner, "target" | "tls">): void {
  const owner: Owner = { pid: process.pid, host: hostname(), started: startOf(process.pid), target, tls };
  writeFileSync(join(folder, OWNER_FILE), JSON.stringify(owner), { mode: 0o600 });
}

/** Undefined: nobody wrote who it was. */
export function ownerOf(folder: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, OWNER_FILE), "utf8")) as Owner;
  } catch {
    return undefined;
  }
}

/** Whether the owner still runs. One on another machine cannot be asked: it counts as running. */
export function isOwned(folder: string): boolean {
  const owner = ownerOf(folder);
  if (owner === undefined) return false;
  if (owner.host !== hostname()) return true;
  if (owner.pid === process.pid) return owner.started === startOf(process.pid);
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return owner.started === startOf(owner.pid);
}

/** Linux: ticks since boot at which the process began, field 22 of /proc/PID/stat (proc(5)). */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is a name in parentheses that may hold anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

const QUARANTINE = ".quarantine";

/** Of a batch that the server can never store. */
export const quarantineName = (seq: bigint): string => `rejected-${seq}${QUARANTINE}`;

/** Folders that may hold something to send. */
export function spoolFolders(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(root, name))
    .filter((folder) => !isQuarantineOnly(readdirSync(folder)))
    .sort();
}

/** Rejected batches, which wait for a person to look at them. */
export function quarantined(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(QUARANTINE))
    .map((path) => join(root, path))
    .sort();
}

const isQuarantineOnly = (names: readonly string[]): boolean => names.length > 0 && names.every((name) => name.endsWith(QUARANTINE));

/** What was rejected stays. */
export function removeSpoolFolder(folder: string): void {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (!names.some((name) => name.endsWith(QUARANTINE))) {
    rmSync(folder, { recursive: true, force: true });
    return;
  }
  for (const name of names.filter((one) => !one.endsWith(QUARANTINE))) rmSync(join(folder, name), { force: true });
}
