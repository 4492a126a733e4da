// Feeds a told story to a detector: series by metric name, one value a step, as a training would log them. How the story
// is cut into batches is a parameter, for nothing may depend on it.

import { createRunDetector, type RunDetector } from "../../src/detect/engine.ts";
import type { ClassObservation, ObservationBatch, RunFacts, StepObservation, TensorObservation } from "../../src/detect/observation.ts";
import type { RuleOptions } from "../../src/detect/options.ts";
import { defaultRole } from "../../src/detect/roles.ts";
import type { Transition } from "../../src/detect/transition.ts";
import type { Sample } from "./notation.ts";

export interface Story {
  /** One value a step; holes are steps without a value. */
  readonly series: Readonly<Record<string, readonly Sample[]>>;
  readonly tensors?: readonly TensorObservation[];
  readonly steps?: readonly StepObservation[];
  readonly classes?: readonly ClassObservation[];
  readonly facts?: RunFacts;
  readonly checkpoints?: readonly { readonly step: number; readonly path: string }[];
  /** Step of the first value. Default 0. */
  readonly firstStep?: number;
  /** Steps between values. Default 1. */
  readonly every?: number;
  readonly rank?: number;
  readonly session?: number;
}

/** The story as batches of so many steps each. */
export function batchesOf(story: Story, stepsPerBatch = 10): ObservationBatch[] {
  const { firstStep = 0, every = 1, rank = 0, session = 1 } = story;
  const length = Math.max(0, ...Object.values(story.series).map((values) => values.length));
  const lastSaid = Math.max(
    -1,
    ...[...(story.tensors ?? []), ...(story.steps ?? []), ...(story.classes ?? [])].map(({ step }) =>
      Math.ceil((step - firstStep) / every),
    ),
  );
  const count = Math.max(1, Math.ceil(Math.max(length, lastSaid + 1) / stepsPerBatch));
  return Array.from({ length: count }, (_none, batch) => {
    const [from, to] = [batch * stepsPerBatch, (batch + 1) * stepsPerBatch];
    const inside = ({ step }: { readonly step: number }): boolean => {
      const at = (step - firstStep) / every;
      return at >= from && at < to;
    };
    return {
      rank,
      session,
      scalars: Object.entries(story.series).flatMap(([metric, values]) => {
        const points = values.flatMap((value, i) =>
          value === undefined || i < from || i >= to ? [] : [{ step: firstStep + i * every, value }],
        );
        if (points.length === 0) return [];
        return [
          {
            metric,
            role: defaultRole(metric),
            steps: Float64Array.from(points, ({ step }) => step),
            times: Float64Array.from(points, ({ step }) => 1_700_000_000_000 + step * 100),
            values: Float64Array.from(points, ({ value }) => value),
          },
        ];
      }),
      tensors: (story.tensors ?? []).filter(inside),
      steps: (story.steps ?? []).filter(inside),
      classes: (story.classes ?? []).filter(inside),
      ...(batch === 0 && story.facts !== undefined ? { facts: story.facts } : {}),
      checkpoints: batch === 0 ? (story.checkpoints ?? []) : [],
    };
  });
}

export interface Told {
  readonly detector: RunDetector;
  readonly transitions: readonly Transition[];
}

export function replay(
  story: Story | readonly Story[],
  { stepsPerBatch = 10, options }: { stepsPerBatch?: number; options?: RuleOptions } = {},
): Told {
  const detector = createRunDetector(options === undefined ? {} : { options });
  const stories = Array.isArray(story) ? story : [story];
  const transitions = stories.flatMap((one) => batchesOf(one, stepsPerBatch)).flatMap((batch) => detector.observe(batch));
  return { detector, transitions: [...transitions, ...detector.finish()] };
}

/** "rule state level onset-firing subject", one line a transition: what case tables compare. */
export const lines = (transitions: readonly Transition[], rule?: string): string[] =>
  transitions
    .filter((transition) => rule === undefined || transition.rule === rule)
    .map(({ rule: id, state, level, subject, onsetStep, firingStep, resolvedStep }) =>
      state === "resolved"
        ? `${id} resolved at ${resolvedStep}: ${subject}`
        : `${id} ${state} ${level} ${onsetStep}-${firingStep}: ${subject}`,
    );

/** A tensor of finite values, changed by what is given. */
export const tensor = (given: Partial<TensorObservation> & Pick<TensorObservation, "name" | "step">): TensorObservation => ({
  kind: "gradient",
  layer: given.name.split("/")[0] ?? "",
  topologicalIndex: 0,
  role: "kernel",
  phase: "train",
  activation: "",
  time: 1_700_000_000_000,
  count: 100,
  nan: 0,
  positiveInfinity: 0,
  negativeInfinity: 0,
  zero: 0,
  min: -1,
  max: 1,
  sum: 0,
  sumSquares: 1,
  sumAbsolute: 10,
  ...given,
});
