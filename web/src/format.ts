// Numbers and times as people read them. Non-finite numbers come from the API by name and are shown as they are.

import type { Float } from "@gradwatch/server/api-types";

/** Four significant digits: enough to tell runs apart, short enough for a table. */
export function formatNumber(value: Float | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value === "NaN" ? "NaN" : value === "Infinity" ? "+Inf" : "−Inf";
  if (Number.isNaN(value)) return "NaN";
  const size = Math.abs(value);
  const text =
    size !== 0 && (size >= 1e6 || size < 1e-4) ? value.toExponential(2).replace("e+", "e") : String(Number(value.toPrecision(4)));
  return text.replace(/^-/, "−");
}

/** A share of a whole, in per cent. */
export function formatShare(share: number | null): string {
  return share === null ? "–" : `${formatNumber(Number((share * 100).toPrecision(3)))} %`;
}

export function formatCount(value: number): string {
  return value.toLocaleString("en-US");
}

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** The two largest units: "2 h 5 min". */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "0 s";
  let rest = seconds;
  const words = UNITS.slice(first, first + 2).map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? "" : `${count} ${unit}`;
  });
  return words.filter((word) => word !== "").join(" ");
}

export function formatAge(timeMs: number, nowMs: number): string {
  const age = nowMs - timeMs;
  return age < 5_000 ? "just now" : `${formatDuration(age).split(" ").slice(0, 2).join(" ")} ago`;
}

export function formatTime(timeMs: number): string {
  return new Date(timeMs).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** A config value on one line. */
export function formatValue(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
