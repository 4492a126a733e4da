// The text of a filter as tokens, each with the column where it begins. A pure function of the text; stops at the first
// character that begins no token.

import { FilterError } from "./filter-error.ts";

export type Token =
  | { readonly type: "word" | "text"; readonly column: number; readonly end: number; readonly value: string }
  | { readonly type: "number" | "duration" | "now"; readonly column: number; readonly end: number; readonly value: number }
  | { readonly type: "symbol"; readonly column: number; readonly end: number; readonly value: string }
  | { readonly type: "end"; readonly column: number; readonly end: number };

export const unitsMs: Readonly<Record<string, number>> = {
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
};

const number = String.raw`\d+(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const amount = String.raw`(${number})(ms|[smhdw])(?![A-Za-z0-9_])`;
const patterns = {
  space: /\s+/y,
  now: new RegExp(String.raw`now(?![A-Za-z0-9_])(?:\s*([+-])\s*${amount})?`, "y"),
  duration: new RegExp(amount, "y"),
  number: new RegExp(String.raw`-?(?:${number}|inf(?![A-Za-z0-9_]))`, "y"),
  word: /[A-Za-z_][A-Za-z0-9_]*/y,
  text: /"(?:[^"\\]|\\.)*"/y,
  symbol: /<=|>=|!=|[=<>~.,()[\]]/y,
} as const;

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match !== null) at += match[0].length;
    return match;
  };
  for (;;) {
    take(patterns.space);
    const column = at + 1;
    if (at === source.length) return [...tokens, { type: "end", column, end: column }];
    tokens.push(next(column));
  }

  function next(column: number): Token {
    const isName = tokens.at(-1)?.type === "symbol" && source[at - 1] === ".";
    // After a dot everything is a name: config.now, config.inf.
    let match = isName ? null : take(patterns.now);
    if (match !== null) {
      const offset = match[2] === undefined ? 0 : Number(match[2]) * (unitsMs[match[3] as string] as number);
      return { type: "now", column, end: at + 1, value: match[1] === "-" ? 0 - offset : offset };
    }
    if (!isName && (match = take(patterns.duration)) !== null) {
      return { type: "duration", column, end: at + 1, value: Number(match[1]) * (unitsMs[match[2] as string] as number) };
    }
    if (!isName && (match = take(patterns.number)) !== null) {
      const value = Number(match[0].replace("inf", "Infinity"));
      if (/[A-Za-z0-9_]/.test(source[at] ?? "")) {
        throw new FilterError(
          column,
          `${JSON.stringify(source.slice(column - 1, at + 1))} is no number. Units are ${Object.keys(unitsMs).join(", ")}.`,
        );
      }
      return { type: "number", column, end: at + 1, value };
    }
    if ((match = take(patterns.word)) !== null) return { type: "word", column, end: at + 1, value: match[0] };
    if ((match = take(patterns.text)) !== null) return { type: "text", column, end: at + 1, value: textOf(match[0], column) };
    if ((match = take(patterns.symbol)) !== null) return { type: "symbol", column, end: at + 1, value: match[0] };
    const found = String.fromCodePoint(source.codePointAt(at) as number);
    throw new FilterError(
      column,
      found === '"'
        ? 'this text does not end. Close it with ", and write " in it as \\".'
        : found === "'"
          ? "texts stand in double quotes."
          : `${JSON.stringify(found)} means nothing here.`,
    );
  }
}

/** Texts are JSON strings. */
function textOf(quoted: string, column: number): string {
  let value: string;
  try {
    value = JSON.parse(quoted) as string;
  } catch {
    throw new FilterError(
      column,
      'this text has a bad escape, or a line break. Escapes are those of JSON: \\", \\\\, \\n, \\t, \\u00e9 ….',
    );
  }
  if (!value.isWellFormed()) throw new FilterError(column, "this text has half of a surrogate pair: it is no Unicode.");
  return value;
}
