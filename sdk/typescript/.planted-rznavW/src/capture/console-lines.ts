// What the process writes on stdout and stderr, as whole lines. Writes go on to where they went; a line that is drawn over
// with carriage returns counts as it was last; colours are taken out. Bounded in length and rate: a loop that prints is no
// reason to lose numbers.

import { redactText } from "../redact.ts";

export interface CapturedLine {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

interface Sink {
  readonly line: (line: CapturedLine) => void;
  /** Lines that came too fast. */
  readonly lost: (lines: number) => void;
  readonly nowMs: () => number;
}

/** UTF-16 units of one line; longer ones are cut. */
const LINE_LENGTH_MAX = 4_096;
const LINES_PER_SECOND_MAX = 500;
// eslint-disable-next-line no-control-regex -- ECMA-48 control sequences are what is taken out
const controlSequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// eslint-disable-next-line no-control-regex -- the same
const controlCharacter = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

const sinks = new Set<(stream: CapturedLine["stream"], chunk: unknown, encoding: unknown) => void>();
let restore: (() => void) | undefined;

/** Reports every line from now on; returns how to stop, which reports the line that was begun. */
export function captureConsole(sink: Sink): () => void {
  const begun = { stdout: "", stderr: "" };
  let [windowMs, inWindow] = [0, 0];

  const emit = (stream: CapturedLine["stream"], raw: string): void => {
    const now = sink.nowMs();
    if (now - windowMs >= 1_000) [windowMs, inWindow] = [now, 0];
    if (++inWindow > LINES_PER_SECOND_MAX) {
      sink.lost(1);
      return;
    }
    sink.line({ stream, text: cleanLine(raw) });
  };

  const take = (stream: CapturedLine["stream"], chunk: unknown, encoding: unknown): void => {
    const lines = (begun[stream] + textOf(chunk, encoding)).split("\n");
    // Without an end in sight only the last piece counts, as on a terminal.
    begun[stream] = (lines.pop() as string).slice(-LINE_LENGTH_MAX);
    for (const line of lines) emit(stream, line);
  };

  sinks.add(take);
  restore ??= hookStreams();
  return () => {
    if (!sinks.delete(take)) return;
    for (const stream of ["stdout", "stderr"] as const) if (begun[stream].trim() !== "") emit(stream, begun[stream]);
    if (sinks.size > 0) return;
    restore?.();
    restore = undefined;
  };
}

export function cleanLine(raw: string): string {
  const plain = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
  const shown = plain
    .slice(plain.lastIndexOf("\r") + 1)
    .replace(controlSequence, "")
    .replace(controlCharacter, "")
    .trimEnd();
  // Cut first: the patterns of secrets are not run over megabytes.
  const isLong = shown.length > LINE_LENGTH_MAX;
  return redactText(isLong ? `${shown.slice(0, LINE_LENGTH_MAX)}…` : shown).toWellFormed();
}

function textOf(chunk: unknown, encoding: unknown): string {
  if (typeof chunk !== "string")
    return chunk instanceof Uint8Array ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString() : "";
  return typeof encoding === "string" && encoding !== "utf8" && encoding !== "utf-8" && Buffer.isEncoding(encoding)
    ? Buffer.from(chunk, encoding).toString()
    : chunk;
}

/** Puts us before the streams' own write; whoever does so after us keeps working when we leave. */
function hookStreams(): () => void {
  const undo = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const original = stream.write;
    let active = true;
    let inside = false;
    const hooked = function (this: typeof stream, ...given: Parameters<typeof original>): boolean {
      if (active && !inside) {
        inside = true;
        try {
          for (const sink of sinks) sink(name, given[0], given[1]);
        } catch {
          // Printing must work whatever becomes of its copy.
        } finally {
          inside = false;
        }
      }
      return original.apply(this, given);
    } as typeof original;
    stream.write = hooked;
    return () => {
      active = false;
      if (stream.write === hooked) stream.write = original;
    };
  });
  return () => {
    for (const one of undo) one();
  };
}
