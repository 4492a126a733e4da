// How a tensor's values lie around its units (neurons, channels): [samples, before, units, after] with all between flattened. A dense layer's output
// is [samples, 1, units, 1], a convolution's [samples, height × width, channels, 1], with channels first [samples, 1, channels, height × width].

export interface UnitLayout {
  readonly samples: number;
  readonly before: number;
  readonly units: number;
  readonly after: number;
}

/** @param axis Of the units: 1 or larger, as samples come first; 0: each entry of the first axis is a unit of its own, and nothing is a sample. */
export function unitLayout(shape: readonly number[], axis: number): UnitLayout {
  const size = (from: number, to: number): number => shape.slice(from, to).reduce((product, length) => product * length, 1);
  if (axis === 0) return { samples: 1, before: 1, units: shape[0] as number, after: size(1, shape.length) };
  return { samples: shape[0] as number, before: size(1, axis), units: shape[axis] as number, after: size(axis + 1, shape.length) };
}

/** Calls back with where each run of a unit's neighbours begins in the values. */
export function eachRun({ samples, before, units, after }: UnitLayout, visit: (sample: number, unit: number, from: number) => void): void {
  let from = 0;
  for (let sample = 0; sample < samples; sample++) {
    for (let row = 0; row < before; row++) {
      for (let unit = 0; unit < units; unit++, from += after) visit(sample, unit, from);
    }
  }
}
