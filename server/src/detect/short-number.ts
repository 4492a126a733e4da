// Numbers in the words of findings: four digits tell what matters, and powers of ten stay readable.

/** "0.3012", "1.36e14", "NaN". */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size === 0 || (size >= 1e-4 && size < 1e6)) return String(Number(value.toPrecision(4)));
  return value.toExponential(2).replace("e+", "e");
}
