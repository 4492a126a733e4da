// Which units of a layer answer at all: on how many samples each was active (above zero anywhere), and between which values it moved. Counted
// over as many steps as it takes to see some hundred samples: a unit that is silent on 32 need not be dead.

import type * as tf from "@tensorflow/tfjs";
import { decodeWholeNumbers, type Reduction, wholeNumbers } from "./readings.ts";
import type { UnitLayout } from "./unit-layout.ts";

export interface UnitActivity {
  readonly samples: number;
  /** By unit: samples on which it was above zero. */
  readonly active: ArrayLike<number>;
  /** By unit, of the finite values; ±Infinity where there are none. */
  readonly min: ArrayLike<number>;
  readonly max: ArrayLike<number>;
}

/** Rounding of a backend's own may tell equal outputs apart: what varies by less than this share of its size does not vary. */
const SPREAD_MIN = 1e-6;

export function unitActivity(tensor: tf.Tensor, layout: UnitLayout): Reduction<UnitActivity> {
  const { samples, before, units, after } = layout;
  return {
    onBackend(engine) {
      const x = tensor.toFloat().reshape([samples, before, units, after]);
      const finite = x.isFinite();
      const bound = (value: number): tf.Tensor => engine.where(finite, x, engine.fill(x.shape, value));
      return engine.concat1d([
        wholeNumbers(engine, x.greater(0).any([1, 3]).toInt().sum(0)),
        bound(Number.POSITIVE_INFINITY).min([0, 1, 3]),
        bound(Number.NEGATIVE_INFINITY).max([0, 1, 3]),
      ] as tf.Tensor1D[]);
    },
    decode: (row) => ({
      samples,
      active: decodeWholeNumbers(row.subarray(0, 2 * units)),
      min: row.slice(2 * units, 3 * units),
      max: row.slice(3 * units),
    }),
    inMemory: (valuesOf) => activityIn(valuesOf(tensor), layout),
  };
}

function activityIn(values: ArrayLike<number>, { samples, before, units, after }: UnitLayout): UnitActivity {
  const active = new Float64Array(units);
  const min = new Float64Array(units).fill(Number.POSITIVE_INFINITY);
  const max = new Float64Array(units).fill(Number.NEGATIVE_INFINITY);
  /** One more than the sample on which a unit was last seen active. */
  const lastActive = new Uint32Array(units);
  let at = 0;
  for (let sample = 1; sample <= samples; sample++) {
    for (let row = 0; row < before; row++) {
      for (let unit = 0; unit < units; unit++) {
        for (let i = 0; i < after; i++) {
          const x = values[at++] as number;
          if (x > 0 && lastActive[unit] !== sample) {
            lastActive[unit] = sample;
            active[unit] = (active[unit] as number) + 1;
          }
          if (x < (min[unit] as number) && x > Number.NEGATIVE_INFINITY) min[unit] = x;
          if (x > (max[unit] as number) && x < Number.POSITIVE_INFINITY) max[unit] = x;
        }
      }
    }
  }
  return { samples, active, min, max };
}

export interface UnitCounts {
  readonly samples: number;
  readonly units: number;
  readonly unitsActiveBelow2Permille: number;
  readonly unitsActiveBelow1Percent: number;
  readonly unitsZeroSpread: number;
}

export interface UnitWindow {
  add(activity: UnitActivity): void;
  readonly samples: () => number;
  readonly hasReported: () => boolean;
  /** Of all that was added since the last call; undefined: nothing was. */
  take(): UnitCounts | undefined;
}

export function createUnitWindow(): UnitWindow {
  let samples = 0;
  let reported = false;
  let active = new Float64Array(0);
  let min = new Float64Array(0);
  let max = new Float64Array(0);
  return {
    add(activity) {
      if (samples === 0 || active.length !== activity.active.length) {
        samples = 0;
        active = new Float64Array(activity.active.length);
        min = new Float64Array(active.length).fill(Number.POSITIVE_INFINITY);
        max = new Float64Array(active.length).fill(Number.NEGATIVE_INFINITY);
      }
      samples += activity.samples;
      for (let unit = 0; unit < active.length; unit++) {
        active[unit] = (active[unit] as number) + (activity.active[unit] as number);
        min[unit] = Math.min(min[unit] as number, activity.min[unit] as number);
        max[unit] = Math.max(max[unit] as number, activity.max[unit] as number);
      }
    },
    samples: () => samples,
    hasReported: () => reported,
    take() {
      if (samples === 0) return undefined;
      const below = (share: number): number => active.reduce((count, seen) => count + (seen < share * samples ? 1 : 0), 0);
      const counts = {
        samples,
        units: active.length,
        unitsActiveBelow2Permille: below(0.002),
        unitsActiveBelow1Percent: below(0.01),
        unitsZeroSpread: min.reduce((count, low, unit) => count + (isUnspread(low, max[unit] as number) ? 1 : 0), 0),
      };
      samples = 0;
      reported = true;
      return counts;
    },
  };
}

/** False where no value was finite: nothing is known of its spread. */
function isUnspread(low: number, high: number): boolean {
  return high - low <= SPREAD_MIN * Math.max(Math.abs(low), Math.abs(high));
}
