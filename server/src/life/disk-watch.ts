// How full the disk is, and what follows: a warning, and before it is full, no more data from training processes. Those keep
// it and send it when there is room again. The disk is read by whoever makes the watch; nothing here touches one.

import type { Log } from "../observe/log.ts";

export interface DiskSpace {
  readonly usedBytes: number;
  /** That the server may use: less than what is not used, where the file system keeps some for root. */
  readonly freeBytes: number;
}

export interface DiskState {
  /** unknown: not read yet. low: warned about. full: no data is taken. */
  readonly state: "unknown" | "ok" | "low" | "full";
  readonly space: DiskSpace | undefined;
  /** For people, unless all is well. */
  readonly message: string | undefined;
}

export interface DiskWatchOptions {
  readonly read: () => Promise<DiskSpace>;
  /** "data folder /data", "ClickHouse at …" */
  readonly where: string;
  readonly warnPercent: number;
  readonly stopPercent: number;
  readonly log: Pick<Log, "info" | "warn" | "error">;
}

export interface DiskWatch {
  /** Reads the disk again. What was last known holds where it cannot be read. */
  look(): Promise<void>;
  state(): DiskState;
}

/** Taken again only with this much more room, so that it does not go on and off with every merge. */
const marginPercent = 1;

export const usedPercent = ({ usedBytes, freeBytes }: DiskSpace): number =>
  usedBytes + freeBytes === 0 ? 0 : (100 * usedBytes) / (usedBytes + freeBytes);

export function createDiskWatch({ read, where, warnPercent, stopPercent, log }: DiskWatchOptions): DiskWatch {
  let now: DiskState = { state: "unknown", space: undefined, message: undefined };

  function judge(percent: number): "ok" | "low" | "full" {
    if (percent >= stopPercent - (now.state === "full" ? marginPercent : 0)) return "full";
    return percent >= warnPercent ? "low" : "ok";
  }

  function messageOf(state: "ok" | "low" | "full", percent: number): string | undefined {
    const full = `the disk of ${where} is ${percent.toFixed(1)} % full`;
    const make = "Make room: delete runs, see gradwatch du, or enlarge the disk.";
    switch (state) {
      case "ok":
        return undefined;
      case "low":
        return `${full}; from ${stopPercent} % on no data is taken (--disk-stop). ${make}`;
      case "full":
        return `${full}; from ${stopPercent} % on no data is taken (--disk-stop), and none is lost: training processes keep theirs and send it when there is room. ${make}`;
    }
  }

  return {
    async look() {
      const space = await read();
      const percent = usedPercent(space);
      const before = now.state;
      const state = judge(percent);
      now = { state, space, message: messageOf(state, percent) };
      if (state === before) return;
      if (state === "full") log.error(now.message);
      else if (state === "low") log.warn(before === "full" ? `data is taken again; ${now.message}` : now.message);
      else if (before !== "unknown") log.info(`the disk of ${where} has room again: ${percent.toFixed(1)} % full`);
    },
    state: () => now,
  };
}
