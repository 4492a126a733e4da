// What processes of this machine have used so far, by the kernel's own counting. Linux only: elsewhere there is nothing to read.

import { readFileSync } from "node:fs";

/** Linux counts in hundredths of a second, whatever the kernel's own clock (USER_HZ, man 5 proc). */
const TICKS_PER_SECOND = 100;

/** User and system time, all threads, in seconds. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command's name comes second, in brackets, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Memory that is in use now. */
export function residentBytesOf(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}
