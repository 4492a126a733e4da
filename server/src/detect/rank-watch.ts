// One rank of a run on its way through the rules: its session, the frame that is still open, and the state of every
// rule. Isolates rules that throw: the rule starts afresh on this rank, and is switched off after FAILURES_MAX failures.

import { type OpenFrame, closeFrame } from "./frame-builder.ts";
import type { AnyRule, Finding, Observation, OptionValues, Plain } from "./rule.ts";
import { NO_FINDINGS } from "./rule.ts";
import type { RunFacts } from "./observation.ts";

export const FAILURES_MAX = 3;

/** A rule with its options, as it runs in one run. */
export interface RunningRule {
  readonly rule: AnyRule;
  readonly options: OptionValues;
  failures: number;
  lastFailure: string;
}

export type RankState = {
  rank: number;
  session: number;
  frame: OpenFrame | null;
  /** Names the user gave to the data of the last steps. */
  batchIds: { step: number; id: string }[];
  /** By rule, in the order of the running rules. */
  states: Plain[];
};

export function startRank(rank: number, session: number, rules: readonly RunningRule[], facts: RunFacts): RankState {
  return { rank, session, frame: null, batchIds: [], states: rules.map(({ rule, options }) => rule.init({ options, facts })) };
}

/** Shows one rule one observation. */
export function feedRule(
  state: RankState,
  index: number,
  running: RunningRule,
  observation: Observation,
  facts: RunFacts,
): readonly Finding[] {
  if (running.failures >= FAILURES_MAX) return NO_FINDINGS;
  const context = { options: running.options, facts };
  try {
    const outcome = running.rule.step(state.states[index]!, observation, context);
    state.states[index] = outcome.state;
    return outcome.findings;
  } catch (error) {
    running.failures += 1;
    running.lastFailure = error instanceof Error ? error.message : String(error);
    state.states[index] = running.rule.init(context);
    return NO_FINDINGS;
  }
}

/** The frame as rules see it; the rank has none open afterwards. */
export function takeFrame(state: RankState): Observation | null {
  if (state.frame === null) return null;
  const frame = closeFrame(state.frame);
  state.frame = null;
  return { kind: "frame", frame };
}
