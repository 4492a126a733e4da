// Names that every server takes: 1 to 512 bytes of UTF-8 without control characters.

export const nameBytesMaxDefault = 512;
// eslint-disable-next-line no-control-regex -- control characters are exactly what names must not hold
const controlCharacter = /[\u0000-\u001f\u007f]/;
// eslint-disable-next-line no-control-regex -- the same
const controlCharacters = /[\u0000-\u001f\u007f]/g;

/** What is wrong with a name, as the end of a sentence; undefined: nothing. */
export function nameProblem(name: string, bytesMax: number = nameBytesMaxDefault): string | undefined {
  // A UTF-16 unit takes three bytes at most: short names need no counting.
  const isShort = name !== "" && name.length * 3 <= bytesMax;
  if ((isShort || (name !== "" && Buffer.byteLength(name) <= bytesMax)) && !controlCharacter.test(name)) return undefined;
  return `${JSON.stringify(name.slice(0, 40))} is ${Buffer.byteLength(name)} bytes; names have 1 to ${bytesMax} bytes and no control characters`;
}

/** The same name with control characters taken out and cut to size, where something is wrong with it. */
export function usableName(name: string): string {
  const clean = name.replaceAll(controlCharacters, "").toWellFormed();
  if (Buffer.byteLength(clean) <= nameBytesMaxDefault) return clean;
  let cut = Buffer.from(clean).subarray(0, nameBytesMaxDefault).toString();
  // The last character may have been cut through.
  while (Buffer.byteLength(cut) > nameBytesMaxDefault || cut.endsWith("\ufffd")) cut = cut.slice(0, -1);
  return cut;
}
