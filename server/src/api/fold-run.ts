// A run as its events tell it: what was said when it was opened, changed and closed, folded into what it is now. Pure.
// A rank is what its newest process says; a run has ended when all its ranks have.

import { RunEnvironmentSchema, RunFactsSchema } from "@gradwatch/proto";
import { foldEdits } from "./fold-edits.ts";
import { plainMessage } from "./plain-message.ts";
import type { RunState } from "./schema.ts";

export interface RunEvent {
  readonly kind: string;
  readonly producer: string;
  readonly rank: number;
  readonly time_ms: number;
  readonly ver: bigint;
  readonly body: string;
}

/** Kinds of events that the list of runs needs, and those that one run's page needs beside them. */
export const listedKinds: readonly string[] = ["opened", "closed", "config", "summary", "edited"];
export const detailKinds: readonly string[] = [...listedKinds, "facts", "checkpoint", "drops", "environment"];

export interface FoldedRun {
  readonly name: string;
  readonly group: string;
  readonly jobType: string;
  readonly tags: string[];
  readonly notes: string;
  /** Put away by a user; kept on top by one. */
  readonly archived: boolean;
  readonly pinned: boolean;
  /** Whose key opened it; empty: it was opened without one. */
  readonly owner: string;
  readonly ranks: number;
  readonly state: RunState;
  readonly lastSignMs: number;
  readonly endedAt: number | null;
  readonly config: Record<string, unknown>;
  /** Values that the user set. */
  readonly summary: Record<string, number | string>;
  readonly error: string | null;
  readonly stack: string | null;
  readonly exitCode: number | null;
  readonly facts: Record<string, unknown>;
  readonly environment: Record<string, unknown>;
  readonly forkedFrom: { readonly run: string; readonly step: number } | null;
  /** Of the ranks of the present world: how its newest process ended; null where it has not. */
  readonly rankStates: readonly { readonly rank: number; readonly ended: RunState | null }[];
  readonly checkpoints: { step: number; path: string; time: number }[];
  readonly drops: { reason: string; points: number }[];
}

type Body = Readonly<Record<string, unknown>>;
type ParsedEvent = Omit<RunEvent, "body"> & { readonly body: Body };

/** @param events oldest first; @param heartbeatMs the last sign of life, 0 = none; @param silenceMs beyond it a run that did not end crashed. */
export function foldRun(events: readonly RunEvent[], heartbeatMs: number, nowMs: number, silenceMs: number): FoldedRun {
  const parsed: ParsedEvent[] = events.map((event) => ({ ...event, body: JSON.parse(event.body) as Body }));
  const of = (kind: string): ParsedEvent[] => parsed.filter((event) => event.kind === kind);
  const opened = of("opened");
  const closed = of("closed");
  const firstOpened = opened.find(({ rank }) => rank === 0) ?? opened[0];
  const first = firstOpened?.body ?? {};
  const firstRank = firstOpened?.rank ?? 0;
  const latest = (key: string): unknown => opened.findLast(({ body }) => body[key] !== undefined)?.body[key];
  const lastSignMs = Math.max(heartbeatMs, ...opened.map(({ time_ms }) => time_ms), ...closed.map(({ time_ms }) => time_ms));
  const ending = endingOf(opened, closed);
  const silent = nowMs - lastSignMs >= silenceMs;
  const edits = foldEdits(of("edited").map(({ body }) => body));
  const facts = [...opened.map(({ ver, body }) => ({ ver, body: (body["facts"] ?? {}) as Body })), ...of("facts")].toSorted((a, b) =>
    a.ver < b.ver ? -1 : a.ver > b.ver ? 1 : 0,
  );
  return {
    name: edits.name ?? text(latest("name")),
    group: text(latest("group")),
    jobType: text(latest("jobType")),
    tags: edits.tags ?? (latest("tags") as string[] | undefined) ?? [],
    notes: edits.notes ?? text(latest("notes")),
    archived: edits.archived ?? false,
    pinned: edits.pinned ?? false,
    owner: text(first["owner"]),
    ranks: worldSizeOf(opened) ?? new Set(opened.map(({ rank }) => rank)).size,
    state: ending?.state ?? (silent ? "crashed" : "running"),
    lastSignMs,
    endedAt: ending?.time ?? (silent ? lastSignMs : null),
    config: Object.fromEntries(
      [...opened.flatMap(({ body }) => (body["config"] as Body[] | undefined) ?? []), ...of("config").map(({ body }) => body)].map(entryOf),
    ),
    summary: Object.fromEntries(
      of("summary").map(({ body }) => [text(body["key"]), (body["number"] ?? text(body["text"])) as number | string]),
    ),
    error: ending?.error ?? null,
    stack: ending?.stack ?? null,
    exitCode: ending?.exitCode ?? null,
    facts: Object.assign({}, ...facts.map(({ body }) => plainMessage(RunFactsSchema, body))) as Record<string, unknown>,
    environment: Object.assign(
      plainMessage(RunEnvironmentSchema, (first as { environment?: unknown }).environment),
      ...of("environment")
        .filter(({ rank }) => rank === firstRank)
        .map(({ body }) => plainMessage(RunEnvironmentSchema, body)),
    ) as Record<string, unknown>,
    forkedFrom: forkOf(opened),
    rankStates: rankStatesOf(opened, closed),
    checkpoints: of("checkpoint").map(({ time_ms, body }) => ({
      step: Number(body["step"] ?? 0),
      path: text(body["path"]),
      time: time_ms,
    })),
    drops: countDrops(of("drops"), closed),
  };
}

interface Ending {
  readonly state: RunState;
  readonly time: number;
  readonly error: string | null;
  readonly stack: string | null;
  readonly exitCode: number | null;
}

/** Severest first: what one rank suffered is what happened to the run. */
const severity: readonly string[] = ["failed", "killed", "preempted", "finished"];

const outcomes: Readonly<Record<string, RunState>> = {
  RUN_OUTCOME_FINISHED: "finished",
  RUN_OUTCOME_FAILED: "failed",
  RUN_OUTCOME_KILLED: "killed",
  RUN_OUTCOME_PREEMPTED: "preempted",
};

/** Undefined while the newest process of some rank is not closed. */
function endingOf(opened: readonly ParsedEvent[], closed: readonly ParsedEvent[]): Ending | undefined {
  const endings = newestProducers(opened).map(({ producer }) => closed.findLast((event) => event.producer === producer));
  if (endings.length === 0 || endings.includes(undefined)) return undefined;
  const all = (endings as ParsedEvent[])
    .map((event) => ({
      state: outcomeOf(event),
      time: event.time_ms,
      error: text(event.body["error"]) || null,
      stack: text(event.body["stack"]) || null,
      exitCode: event.body["exitCode"] === undefined ? null : Number(event.body["exitCode"]),
    }))
    .toSorted((a, b) => severity.indexOf(a.state) - severity.indexOf(b.state));
  return { ...(all[0] as Ending), time: Math.max(...all.map(({ time }) => time)) };
}

const outcomeOf = ({ body }: ParsedEvent): RunState => outcomes[String(body["outcome"])] ?? "finished";

/** Ranks of the newest generation, as it told its size; undefined: it did not. */
function worldSizeOf(opened: readonly ParsedEvent[]): number | undefined {
  const size = Number(opened.at(-1)?.body["worldSize"] ?? 0);
  return size > 0 ? size : undefined;
}

/** The newest process of every rank. A rank beyond the world of the newest generation is no part of it any more. */
function newestProducers(opened: readonly ParsedEvent[]): { rank: number; producer: string }[] {
  const world = worldSizeOf(opened) ?? Number.POSITIVE_INFINITY;
  const newest = new Map(opened.map((event) => [event.rank, event.producer]));
  return [...newest]
    .map(([rank, producer]) => ({ rank, producer }))
    .filter(({ rank }) => rank < world)
    .toSorted((a, b) => a.rank - b.rank);
}

function rankStatesOf(opened: readonly ParsedEvent[], closed: readonly ParsedEvent[]): FoldedRun["rankStates"] {
  return newestProducers(opened).map(({ rank, producer }) => {
    const end = closed.findLast((event) => event.producer === producer);
    return { rank, ended: end === undefined ? null : outcomeOf(end) };
  });
}

function forkOf(opened: readonly ParsedEvent[]): FoldedRun["forkedFrom"] {
  const fork = opened[0]?.body["forkFrom"] as Body | undefined;
  return fork === undefined ? null : { run: text(fork["runId"]), step: Number(fork["step"] ?? 0) };
}

function entryOf(body: Body): [string, unknown] {
  const key = text(body["key"]);
  if (typeof body["json"] !== "string") return [key, body["number"] ?? body["text"] ?? body["flag"] ?? null];
  try {
    return [key, JSON.parse(body["json"])];
  } catch {
    return [key, body["json"]];
  }
}

/** A process tells what it dropped so far, on the way and at its end: of every reason the largest count stands. */
function countDrops(reported: readonly ParsedEvent[], closed: readonly ParsedEvent[]): { reason: string; points: number }[] {
  const ofProducer = new Map<string, number>();
  const note = (producer: string, drop: Body): void => {
    const key = JSON.stringify([producer, text(drop["reason"])]);
    ofProducer.set(key, Math.max(ofProducer.get(key) ?? 0, Number(drop["points"] ?? 0)));
  };
  for (const { producer, body } of reported) note(producer, body);
  for (const { producer, body } of closed) for (const drop of (body["drops"] ?? []) as Body[]) note(producer, drop);
  const counts = new Map<string, number>();
  for (const [key, points] of ofProducer) {
    const [, reason] = JSON.parse(key) as [string, string];
    counts.set(reason, (counts.get(reason) ?? 0) + points);
  }
  return [...counts].map(([reason, points]) => ({ reason, points })).filter(({ points }) => points > 0);
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
