// Tokens one after the other: what the parser asks of them, and the error when something else was expected.

import type { Operator } from "./fields.ts";
import { FilterError } from "./filter-error.ts";
import type { Token } from "./tokens.ts";

export interface Reader {
  peek(): Token;
  next(): Token;
  /** Takes it if it is next. */
  keyword(word: string): boolean;
  symbol(symbol: string): boolean;
  operator(): Operator | undefined;
  name(expected: string): Extract<Token, { value: string }>;
  end(expected: string): void;
  fail(expected: string): never;
}

const symbols: ReadonlySet<string> = new Set(["=", "!=", "<", "<=", ">", ">=", "~"]);

export function createReader(tokens: readonly Token[], source: string): Reader {
  let at = 0;
  const peek = (): Token => tokens[at] as Token;
  const next = (): Token => tokens[at++] as Token;
  const fail = (expected: string): never => {
    const { type, column, end } = peek();
    const found = type === "end" ? "the end" : source.slice(column - 1, Math.min(end - 1, column + 39));
    throw new FilterError(column, `expected ${expected}; found ${found}.`);
  };
  const takeIf = (wanted: boolean): boolean => {
    if (wanted) at++;
    return wanted;
  };
  return {
    peek,
    next,
    fail,
    keyword: (word) => takeIf(isWord(peek(), word)),
    symbol: (symbol) => takeIf(isSymbol(peek(), symbol)),
    operator() {
      const token = peek();
      if (token.type === "symbol" && symbols.has(token.value)) return (next() as { value: Operator }).value;
      for (const word of ["in", "like"] as const) if (takeIf(isWord(token, word))) return word;
      return undefined;
    },
    name(expected) {
      const token = peek();
      if (token.type !== "word" && token.type !== "text") return fail(`${expected}, or a text in double quotes`);
      at++;
      return token;
    },
    end(expected) {
      if (peek().type !== "end") fail(expected);
    },
  };
}

const isWord = (token: Token, word: string): boolean => token.type === "word" && token.value.toLowerCase() === word;
const isSymbol = (token: Token, symbol: string): boolean => token.type === "symbol" && token.value === symbol;
