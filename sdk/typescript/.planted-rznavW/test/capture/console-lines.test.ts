// Lines as they stood on the terminal, however the writes were cut.

import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { captureConsole, cleanLine, type CapturedLine } from "../../src/capture/console-lines.ts";

describe("a line", () => {
  test.each([
    { name: "drawn over with carriage returns is what stood last", raw: "10%\r50%\r100%", shown: "100%" },
    { name: "of Windows loses its end", raw: "done\r", shown: "done" },
    { name: "loses its colours", raw: "\u001B[1;31merror\u001B[0m: x", shown: "error: x" },
    { name: "loses its window title and links", raw: "\u001B]0;title\u0007a\u001B]8;;http://x\u001B\\b", shown: "ab" },
    { name: "loses control characters", raw: "a\u0000b\u0008c", shown: "abc" },
    { name: "that is too long is cut", raw: "x".repeat(10_000), shown: `${"x".repeat(4_096)}…` },
    { name: "with half a character stays text", raw: "a\ud800b", shown: "a\ufffdb" },
  ])("$name", ({ raw, shown }) => {
    expect(cleanLine(raw)).toBe(shown);
  });
});

describe("capturing", () => {
  let stop = (): void => undefined;
  const original = process.stdout.write;
  let passed = "";
  afterEach(() => {
    stop();
    process.stdout.write = original;
  });

  function capture(nowMs = () => 0): { lines: CapturedLine[]; lost: () => number } {
    passed = "";
    // What goes on to the terminal, without showing it.
    process.stdout.write = (chunk: string | Uint8Array) => {
      passed += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
      return true;
    };
    const lines: CapturedLine[] = [];
    let lost = 0;
    stop = captureConsole({ line: (line) => lines.push(line), lost: (count) => (lost += count), nowMs });
    return { lines, lost: () => lost };
  }

  test("does not depend on where the writes are cut", () => {
    const text = fc.array(fc.string({ unit: fc.constantFrom("a", "ü", "\u{1f600}", " ", "1") }), { maxLength: 8 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (whole, cuts) => {
        const written = whole.map((line) => `${line}\n`).join("");
        const at = [0, ...cuts.filter((cut) => cut < written.length).sort((a, b) => a - b), written.length];
        // Cut between UTF-16 units of one character, a write is no text: only whole ones are compared.
        const pieces = at.slice(1).map((end, i) => written.slice(at[i], end));
        fc.pre(pieces.every((piece) => piece.isWellFormed()));
        const { lines } = capture();
        for (const piece of pieces) process.stdout.write(piece);
        stop();
        process.stdout.write = original;
        expect(lines.map((line) => line.text)).toEqual(whole.map((line) => line.trimEnd()));
        expect(passed).toBe(written);
      }),
    );
  });

  test("takes bytes and other encodings", () => {
    const { lines } = capture();
    process.stdout.write(Buffer.from("bytes\n"));
    process.stdout.write("6869\n", "utf8");
    process.stdout.write("aGk=", "base64");
    stop();
    expect(lines.map(({ text }) => text)).toEqual(["bytes", "6869", "hi"]);
  });

  test("counts what comes too fast instead of keeping it", () => {
    let now = 0;
    const { lines, lost } = capture(() => now);
    for (let i = 0; i < 800; i++) process.stdout.write(`${i}\n`);
    expect([lines.length, lost()]).toEqual([500, 300]);
    now = 1_000;
    process.stdout.write("later\n");
    expect(lines.at(-1)?.text).toBe("later");
  });

  test("leaves the streams as they were, and those who hooked them after us", () => {
    capture();
    const ours = process.stdout.write;
    stop();
    expect(process.stdout.write).not.toBe(ours);
    capture();
    const before = process.stdout.write;
    process.stdout.write = ((...given: Parameters<typeof before>) => before.apply(process.stdout, given)) as typeof before;
    const theirs = process.stdout.write;
    stop();
    expect(process.stdout.write).toBe(theirs);
    process.stdout.write("still printed\n");
    expect(passed).toBe("still printed\n");
  });
});
