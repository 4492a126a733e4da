// Reads what was seen of a forward run: summaries of activations, inputs, outputs and labels, units that do not answer, flat
// activation functions, gradient by time step.

import type * as tf from "@tensorflow/tfjs";
import type { SummarizedTensor, TensorKind } from "../types.ts";
import type { Group, StepPlan } from "./cadence.ts";
import type { ForwardPass, SeenTensor } from "./forward-pass.ts";
import { intervalShare } from "./interval-share.ts";
import type { Readings } from "./readings.ts";
import { sampled } from "./sampled.ts";
import { summaryOf } from "./summary-reduction.ts";
import { createUnitWindow, type UnitActivity, unitActivity, type UnitWindow } from "./unit-activity.ts";
import { unitLayout } from "./unit-layout.ts";
import { UNITS_LISTED_MAX, unitMoments } from "./unit-moments.ts";

const GROUP_OF: Readonly<Partial<Record<TensorKind, Group>>> = {
  activation: "activations",
  "pre-activation": "activations",
  output: "activations",
  input: "data",
  label: "data",
  "state-gradient": "states",
};

/** Samples after which the share of 0.2 % means something; fewer are gone on with. */
const WINDOW_SAMPLES_MIN = 500;

export interface UnitWindows {
  of(seen: SeenTensor): UnitWindow;
}

export function createUnitWindows(): UnitWindows {
  const windows = new Map<string, UnitWindow>();
  return {
    of({ name, meta }) {
      const key = `${meta.kind}\0${name}`;
      const window = windows.get(key) ?? createUnitWindow();
      windows.set(key, window);
      return window;
    },
  };
}

/** A summary, once everything is read; undefined where this step only adds to a window of units. */
export type LateSeen = () => SummarizedTensor | undefined;

/** To be called in a tidy. */
export function addForward(engine: typeof tf, readings: Readings, pass: ForwardPass, plan: StepPlan, windows: UnitWindows): LateSeen[] {
  const { groups, light } = plan;
  return pass.tensors().flatMap((seen) => {
    const { kind } = seen.meta;
    const isDue = groups.has(GROUP_OF[kind] as Group);
    const countsUnits = light && seen.unitAxis !== undefined && (kind === "activation" || kind === "output");
    if (!isDue && !countsUnits) return [];
    if (kind === "state-gradient") return [addStates(engine, readings, seen)];
    return [addSeen(engine, readings, seen, isDue, countsUnits ? windows.of(seen) : undefined)];
  });
}

function addSeen(engine: typeof tf, readings: Readings, seen: SeenTensor, isDue: boolean, window: UnitWindow | undefined): LateSeen {
  const tensor = sampled(engine, seen.pieces);
  const isInput = seen.meta.kind === "input";
  const layout = seen.unitAxis === undefined ? undefined : unitLayout(tensor.shape, seen.unitAxis);
  const activity = window === undefined || layout === undefined ? undefined : readings.add(unitActivity(tensor, layout));
  const summary = isDue ? readings.add(summaryOf(tensor, { hash: isInput })) : undefined;
  const share = isDue && seen.intervals !== undefined ? readings.add(intervalShare(tensor, seen.intervals)) : undefined;
  const listsUnits = isDue && isInput && layout !== undefined && layout.units <= UNITS_LISTED_MAX;
  const moments = listsUnits ? readings.add(unitMoments(tensor, layout)) : undefined;
  // Channels that say nothing: an input's own, of this batch.
  const spread = isDue && isInput && layout !== undefined ? readings.add(unitActivity(tensor, layout)) : undefined;
  return () => {
    if (window !== undefined && activity !== undefined) window.add(activity());
    if (summary === undefined) return undefined;
    const isEnough = window !== undefined && (window.samples() >= WINDOW_SAMPLES_MIN || !window.hasReported());
    const units = isEnough ? window.take() : undefined;
    const listed = moments?.();
    return {
      name: seen.name,
      ...seen.meta,
      summary: {
        ...summary(),
        samples: layout?.samples ?? tensor.shape[0] ?? 1,
        ...units,
        ...(spread === undefined ? {} : inputUnits(spread())),
        ...(share === undefined ? {} : { derivativeBelow5Percent: share() }),
        ...(listed === undefined ? {} : { unitMeans: listed.means, unitStds: listed.stds }),
      },
    };
  };
}

/** Of an input no share of active units is told: channels that are below zero are no fault. */
function inputUnits(activity: UnitActivity): { units: number; unitsZeroSpread: number } {
  const window = createUnitWindow();
  window.add(activity);
  const { units = 0, unitsZeroSpread = 0 } = window.take() ?? {};
  return { units, unitsZeroSpread };
}

/** One unit per time step; of more than can be listed, as many steps in a row as make them fit are one. */
function addStates(engine: typeof tf, readings: Readings, { name, meta, pieces, times = [] }: SeenTensor): LateSeen {
  const steps = Math.max(...times) + 1;
  const grouped = Math.ceil(steps / UNITS_LISTED_MAX);
  const count = Math.ceil(steps / grouped);
  // A step that the loss does not reach has no gradient at all, which is a gradient of 0.
  const rows = Array.from({ length: count * grouped }, (_none, time) => {
    const at = times.indexOf(time);
    return at < 0 ? engine.zerosLike(pieces[0] as tf.Tensor) : (pieces[at] as tf.Tensor);
  });
  const byTime = engine.stack(rows).reshape([count, -1]);
  const summary = readings.add(summaryOf(byTime));
  const moments = readings.add(unitMoments(byTime, unitLayout(byTime.shape, 0)));
  return () => {
    const { means, stds } = moments();
    return { name, ...meta, summary: { ...summary(), samples: pieces[0]?.shape[0] ?? 1, units: count, unitMeans: means, unitStds: stds } };
  };
}
