// What a benchmark is, and how its result is told: as a table for people or as JSON. Numbers are ratios against a
// baseline of the same run, because machines differ and are noisy; repeats alternate between the two, and the spread is
// told with the median.

import { cpus, totalmem } from "node:os";

export interface Measure {
  readonly id: string;
  /** Median over the rounds. */
  readonly value: number;
  readonly unit: string;
  /** Median of the baseline, in the same unit. */
  readonly baseline: number;
  /** Median of value / baseline by round. */
  readonly ratio: number;
  /** Smallest and largest of what the goal is about: the ratio, unless the goal has a unit. */
  readonly spread: readonly [number, number];
  /** "≥ 0.5" of the ratio, or "≤ 400 ns" of the value; null where there is none yet. */
  readonly goal: string | null;
  readonly met: boolean | null;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  /** Tells `progress` what it does. */
  run(progress: (text: string) => void): Promise<Measure[]>;
}

export interface BenchResult {
  readonly name: string;
  readonly machine: string;
  readonly measures: readonly Measure[];
}

export const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, Node ${process.versions.node}`;

/** One pair of figures a round. */
export interface Round {
  readonly value: number;
  readonly baseline: number;
}

/** @param goal Sign and limit; with a unit behind it is about the value, without about the ratio. */
export function measure(id: string, unit: string, rounds: readonly Round[], goal: string | null): Measure {
  const ratios = rounds.map(({ value, baseline }) => value / baseline);
  const values = rounds.map(({ value }) => value);
  const judged = isAboutValue(goal) ? values : ratios;
  return {
    id,
    value: median(values),
    unit,
    baseline: median(rounds.map(({ baseline }) => baseline)),
    ratio: median(ratios),
    spread: [Math.min(...judged), Math.max(...judged)],
    goal,
    met: goal === null ? null : isMet(median(judged), goal),
  };
}

const isAboutValue = (goal: string | null): boolean => goal !== null && goal.split(" ").length > 2;

function isMet(judged: number, goal: string): boolean {
  const [sign, limit] = goal.split(" ");
  return sign === "≥" ? judged >= Number(limit) : judged <= Number(limit);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function tableOf({ name, machine: where, measures }: BenchResult): string {
  const heads = ["measure", "value", "baseline", "ratio", "spread", "goal", ""];
  const rows = measures.map(({ id, value, unit, baseline, ratio, spread, goal, met }) => [
    id,
    `${short(value)} ${unit}`,
    `${short(baseline)} ${unit}`,
    ratio.toFixed(2),
    `${short(spread[0])} to ${short(spread[1])}`,
    goal ?? "",
    met === null ? "" : met ? "met" : "NOT MET",
  ]);
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [`${name}   (${where})`, line(heads), ...rows.map(line)].join("\n");
}

const short = (value: number): string =>
  value >= 1e6 ? `${(value / 1e6).toPrecision(3)} M` : value >= 1e3 ? `${(value / 1e3).toPrecision(3)} k` : value.toPrecision(3);
