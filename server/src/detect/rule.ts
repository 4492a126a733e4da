// What a rule is: a fold over observations with plain state, and the words and numbers that describe it. A rule never
// sees storage, clocks or other rules; the engine decides what reaches it, in which order, and what becomes of findings.

import type { MetricRole, RunFacts, TensorObservation } from "./observation.ts";
import type { AlertLevel } from "./transition.ts";

/** JSON, and the floats that JSON cannot carry: what states are made of. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** Signals that a rule can ask for. "gradient-tensors": summaries of kind gradient; "any": anything at all. */
export type Signal = "loss" | "gradient-norm" | "gradient-tensors" | "any";

/** One of `anyOf` must have been seen, else the rule is not evaluated and says `otherwise`. */
export interface Need {
  readonly anyOf: readonly Signal[];
  readonly otherwise: string;
}

/**
 * What a rule's findings do not depend on. "loss-scale": multiplying every loss by the same positive number;
 * "step-shift": adding the same number to every step. Declared ones are tested, and no others hold.
 */
export type Invariance = "loss-scale" | "step-shift";

export interface RuleOption {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly documentation: string;
}

/** The gradient summaries of one step, added up: the norm over all of them is sqrt(sumSquares). */
export interface GradientTotals {
  readonly tensors: number;
  /** Tensors with a NaN or Inf element. */
  readonly nonFinite: number;
  readonly sumSquares: number;
  /** The largest norms of single tensors, largest first. */
  readonly top: readonly { readonly name: string; readonly norm: number }[];
}

/**
 * Everything logged about one step by one rank. It is complete: it is delivered when a later step begins. A series that
 * counts its own steps (epochs, say) comes in frames of its own, between those of the others.
 */
export interface Frame {
  readonly step: number;
  /** Series with a role that rules know, by name. */
  readonly points: readonly { readonly metric: string; readonly role: MetricRole; readonly value: number }[];
  readonly gradients: GradientTotals | null;
  /** Absent when no step record came. */
  readonly skipped: boolean | null;
}

/**
 * "frame" comes in step order. "point", "tensor" and "step" come at once, in any order, only to order-free rules: points
 * that are not finite or that the rule watches, and tensors likewise. "session": the rank was resumed; steps may repeat.
 */
export type Observation =
  | { readonly kind: "frame"; readonly frame: Frame }
  | { readonly kind: "point"; readonly metric: string; readonly role: MetricRole; readonly step: number; readonly value: number }
  | { readonly kind: "tensor"; readonly tensor: TensorObservation }
  | { readonly kind: "step"; readonly step: number; readonly skipped: boolean }
  | { readonly kind: "session" };

/** A subject is in trouble. Repeating what is already so changes nothing; other words or numbers update the incident. */
export interface FiringFinding {
  readonly state: "firing";
  readonly subject: string;
  readonly level: AlertLevel;
  readonly title: string;
  readonly message: string;
  readonly advice: readonly string[];
  readonly onsetStep: number;
  /** The step whose observation made it so. */
  readonly step: number;
  readonly statistic: { readonly name: string; readonly value: number; readonly threshold: number };
  /** The metric to show, with `point` while the frame that holds it is not complete; or a series the rule made itself. */
  readonly window:
    | { readonly metric: string; readonly point?: { readonly step: number; readonly value: number } }
    | { readonly series: string; readonly steps: readonly number[]; readonly values: readonly number[] }
    | null;
  readonly topTensors: readonly { readonly name: string; readonly kind: string; readonly value: number }[];
  readonly ruledOut: readonly string[];
}

export interface ResolvedFinding {
  readonly state: "resolved";
  readonly subject: string;
  readonly message: string;
  readonly step: number;
}

export type Finding = FiringFinding | ResolvedFinding;

export interface Outcome<State> {
  readonly state: State;
  readonly findings: readonly Finding[];
}

/** What a rule may look at beside its state: fixed for the whole run, but for facts that arrive later. */
export interface RuleContext<Options> {
  readonly options: Options;
  readonly facts: RunFacts;
}

export type OptionValues = Readonly<Record<string, number>>;

export interface Rule<State extends Plain, Options extends OptionValues> {
  readonly id: string;
  /** Raised whenever a finding may change for the same observations; a snapshot of another version is not restored. */
  readonly version: number;
  readonly title: string;
  /** The highest level it gives. */
  readonly level: AlertLevel;
  readonly needs: readonly Need[];
  /** True: sees "point", "tensor" and "step" observations too, late ones included. */
  readonly orderFree: boolean;
  readonly invariances: readonly Invariance[];
  readonly options: { readonly [Name in keyof Options]: RuleOption };
  init(context: RuleContext<Options>): State;
  /** The caller gives `state` away: it may be reused for the new one. */
  step(state: State, observation: Observation, context: RuleContext<Options>): Outcome<State>;
  /** Whether finite observations of this metric or tensor are wanted as well. */
  watches?(state: State, name: string): boolean;
  /** Whether some subject is under suspicion: for people only. */
  suspects(state: State): boolean;
}

/** A rule whose state the engine keeps without knowing it. */
// oxlint-disable-next-line typescript/no-explicit-any -- state and options are opaque to the engine
export type AnyRule = Rule<any, any>;

export const NO_FINDINGS: readonly Finding[] = [];
