// The demo's words: an alert with its evidence, a training's progress, the verdict.

import type { Incident, Run } from "@gradwatch/server/api-types";
import color from "picocolors";
import type { Training } from "./trainings.ts";

const LEVEL_COLOR = { critical: color.red, high: color.red, warn: color.yellow, info: color.blue } as const;

/** Points of the window that are shown: those around the first bad step. */
const WINDOW_SHOWN = 8;

export function alertText(incident: Incident): string {
  const { evidence, advice } = incident;
  const { name, value, threshold } = evidence.statistic;
  const paint = LEVEL_COLOR[incident.level];
  const lines = [
    paint(color.bold(`${incident.level.toUpperCase()}  ${incident.run}: ${incident.title}`)) +
      color.dim(`  (${incident.rule}, ${incident.subject})`),
    `  ${incident.message}`,
    `  first bad step ${incident.onsetStep ?? "unknown"}, reported at step ${incident.firingStep ?? "unknown"}`,
    `  evidence: ${name} = ${short(value)}, threshold ${short(threshold)}`,
  ];
  if (evidence.window !== null) lines.push(`  ${windowText(evidence.window, incident.onsetStep)}`);
  if (evidence.topTensors.length > 0) {
    lines.push(`  largest: ${evidence.topTensors.map((tensor) => `${tensor.name} ${short(tensor.value)}`).join(", ")}`);
  }
  lines.push(...advice.map((one) => `  ${color.green("→")} ${one}`), `  ${color.underline(incident.url)}`);
  return lines.join("\n");
}

function windowText({ series, steps, values }: NonNullable<Incident["evidence"]["window"]>, onset: number | null): string {
  const at = onset === null ? steps.length - 1 : steps.findIndex((step) => step >= onset);
  const from = Math.max(0, Math.min((at < 0 ? steps.length : at) - WINDOW_SHOWN / 2, steps.length - WINDOW_SHOWN));
  const shown = values
    .slice(from, from + WINDOW_SHOWN)
    .map((value, i) => (steps[from + i] === onset ? color.bold(short(value)) : short(value)));
  return `${series}, step ${steps[from]} on: ${shown.join(" ")}`;
}

export function progressText(training: Training, run: Run | undefined, ended: boolean): string {
  const loss = run?.summary["step/loss"];
  const step = run?.stepMax ?? null;
  const state = ended ? "done" : run === undefined ? "starting" : "training";
  return `${training.id.padEnd(10)} ${state.padEnd(9)} ${step === null ? "" : `step ${String(step).padStart(4)}  loss ${loss === undefined ? "" : short(loss)}`}`;
}

export interface Verdict {
  readonly asExpected: boolean;
  readonly text: string;
}

/** As expected: each training fired exactly its own rules, and every process ended well. */
export function verdictOn(trainings: readonly Training[], incidents: readonly Incident[], failures: ReadonlyMap<string, string>): Verdict {
  const rows = trainings.map((training) => {
    const fired = [...new Set(incidents.filter(({ run }) => run === training.id).map(({ rule }) => rule))].sort();
    const failure = failures.get(training.id);
    const right = failure === undefined && fired.join() === [...training.expected].sort().join();
    const expected = right ? "" : ` (expected ${training.expected.join(", ") || "no alert"})`;
    const text = `${right ? color.green("✓") : color.red("✗")} ${training.id.padEnd(10)} ${fired.join(", ") || "no alert"}${expected}${failure === undefined ? "" : `; ${failure}`}`;
    return { right, text };
  });
  return { asExpected: rows.every(({ right }) => right), text: rows.map(({ text }) => text).join("\n") };
}

const short = (value: number | string): string => (typeof value === "number" ? String(Number(value.toPrecision(4))) : value);
