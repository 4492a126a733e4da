// Patterns of `like` and `~`. Both end as regular expressions of RE2: its matching is linear in the text whatever the
// pattern, and the engine's `match` is the same syntax. They are compiled here once, so that a bad one is an error with
// a column instead of a failed query.

import { RE2JS } from "re2js";

/** Characters of a pattern. */
const patternLengthMax = 500;
/** Instructions of the compiled program; the engine's RE2 gives up at about 8 MiB, well above. */
const programSizeMax = 5_000;

/** As the engine has it: `.` matches line breaks. */
export const regexFlags: number = RE2JS.DOTALL;

export const faultOfLength = (pattern: string): string | undefined =>
  pattern.length <= patternLengthMax
    ? undefined
    : `the pattern is ${pattern.length} characters; the limit is ${patternLengthMax}. Shorten it.`;

/** What is wrong with a regular expression, or undefined. */
export function faultOfRegex(pattern: string): string | undefined {
  const tooLong = faultOfLength(pattern);
  if (tooLong !== undefined) return tooLong;
  try {
    const size = RE2JS.compile(pattern, regexFlags).programSize();
    return size <= programSizeMax
      ? undefined
      : `the pattern compiles to ${size} instructions; the limit is ${programSizeMax}. Repeat less.`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `the regular expression is not one of RE2 (no look-around, no back-references): ${reason}.`;
  }
}

/** Any text that holds this one, in any case. */
export const regexOfPart = (part: string): string => `(?i)${RE2JS.quote(part)}`;

/** `%` is any text, `_` any one character, `\` takes the next one as it is. The whole text must match. */
export function regexOfLike(pattern: string): string {
  let regex = "";
  const characters = Array.from(pattern);
  for (let i = 0; i < characters.length; i++) {
    const one = characters[i] as string;
    if (one === "%") regex += ".*";
    else if (one === "_") regex += ".";
    else regex += RE2JS.quote(one === "\\" ? (characters[++i] ?? "\\") : one);
  }
  return `^(?s:${regex})$`;
}
