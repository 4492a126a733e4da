// Plain columns for people: as wide as their widest cell, two spaces apart.

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(plain));
  const widths = head.map((_name, i) => Math.max(...all.map((row) => (row[i] ?? "").length)));
  return all.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("  ")).join("\n");
}

/** Names come from others: nothing in them may move a terminal's cursor or turn its text around. */
const plain = (cell: string): string => cell.replaceAll(/\p{C}/gu, "\u{FFFD}");
