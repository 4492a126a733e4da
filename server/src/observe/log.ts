// The server's own log: JSON lines for machines, one plain line each for a person at a terminal. Goes to stderr, so that
// stdout stays free for what a command answers. Never holds what users logged.

import { Writable } from "node:stream";
import { pino, type DestinationStream, type Logger } from "pino";

export type Log = Logger;
export type LogLevel = "debug" | "info" | "warn" | "error";

export function createLog(level: LogLevel, stream: NodeJS.WriteStream = process.stderr): Log {
  return pino({ level, base: null }, stream.isTTY ? forPeople(stream) : stream);
}

const names: Readonly<Record<number, string>> = { 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal" };

function forPeople(stream: NodeJS.WriteStream): DestinationStream {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      stream.write(personsLine(chunk.toString()), () => done());
    },
  });
}

/** `12:03:14 warn  storage is away attempt=2`: what went wrong first, the rest as key=value. */
export function personsLine(json: string): string {
  const { level, time, msg, err, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const extras = Object.entries(rest).map(([key, value]) => ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const reason =
    err === undefined ? "" : `: ${typeof err === "string" ? err : ((err as { message?: string }).message ?? JSON.stringify(err))}`;
  return `${clock} ${(names[Number(level)] ?? "info").padEnd(5)} ${typeof msg === "string" ? msg : ""}${reason}${extras.join("")}\n`;
}
