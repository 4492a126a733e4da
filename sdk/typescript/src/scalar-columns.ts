// Where log() writes: one table a set of names, in preallocated typed arrays, one row a call. At sealing the tables become
// the blocks of a batch. For one (metric, step) the value logged last stays; the others are counted.

import { create } from "@bufbuild/protobuf";
import { encodeIntColumn, float64Bytes, type ScalarBlock, ScalarBlockSchema } from "@gradwatch/proto";

/** The records that share one list of names, in the order of the names. */
interface Shape {
  readonly names: readonly string[];
  steps: Float64Array;
  times: Float64Array;
  /** Place in the order of all calls: decides which value was logged last. */
  orders: Float64Array;
  /** Row by row. */
  values: Float64Array;
  rows: number;
  readonly next: Map<string, Shape>;
}

const firstRows = 64;

export interface ScalarColumns {
  /** Appends one record: the first `count` of `names` and `values`. Neither is kept. */
  append(names: readonly string[], values: ArrayLike<number>, count: number, step: number, timeMs: number): void;
  readonly points: () => number;
  /** Empties the tables: the batch's dictionary, its blocks, and how many points were overwritten. */
  take(): SealedScalars;
}

export interface SealedScalars {
  readonly metrics: string[];
  readonly blocks: ScalarBlock[];
  readonly points: number;
  readonly overwritten: number;
}

export function createScalarColumns(): ScalarColumns {
  const root = newShape([]);
  let used: Shape[] = [];
  let last = root;
  let order = 0;
  let points = 0;

  function shapeOf(names: readonly string[], count: number): Shape {
    if (sameNames(last.names, names, count)) return last;
    let shape = root;
    for (let i = 0; i < count; i++) {
      const name = names[i] as string;
      let next = shape.next.get(name);
      if (next === undefined) {
        next = newShape(names.slice(0, i + 1));
        shape.next.set(name, next);
      }
      shape = next;
    }
    last = shape;
    return shape;
  }

  return {
    append(names, values, count, step, timeMs) {
      if (count === 0) return;
      const shape = shapeOf(names, count);
      const row = shape.rows;
      if (row === 0) used.push(shape);
      if (row === shape.steps.length) grow(shape);
      shape.steps[row] = step;
      shape.times[row] = timeMs;
      shape.orders[row] = order++;
      for (let i = 0, at = row * count; i < count; i++, at++) shape.values[at] = values[i] as number;
      shape.rows = row + 1;
      points += count;
    },
    points: () => points,
    take() {
      const sealed = seal(used, points);
      for (const shape of used) shape.rows = 0;
      used = [];
      points = 0;
      order = 0;
      return sealed;
    },
  };
}

function newShape(names: readonly string[]): Shape {
  return {
    names,
    steps: new Float64Array(0),
    times: new Float64Array(0),
    orders: new Float64Array(0),
    values: new Float64Array(0),
    rows: 0,
    next: new Map(),
  };
}

function grow(shape: Shape): void {
  const rows = Math.max(firstRows, shape.steps.length * 2);
  const resized = (old: Float64Array, length: number): Float64Array => {
    const array = new Float64Array(length);
    array.set(old);
    return array;
  };
  shape.steps = resized(shape.steps, rows);
  shape.times = resized(shape.times, rows);
  shape.orders = resized(shape.orders, rows);
  shape.values = resized(shape.values, rows * shape.names.length);
}

function sameNames(a: readonly string[], b: readonly string[], count: number): boolean {
  if (a.length !== count) return false;
  for (let i = 0; i < count; i++) if (a[i] !== b[i]) return false;
  return true;
}

function seal(shapes: readonly Shape[], points: number): SealedScalars {
  const metrics: string[] = [];
  const index = new Map<string, number>();
  const indexOf = (name: string): number => {
    let at = index.get(name);
    if (at === undefined) {
      at = metrics.push(name) - 1;
      index.set(name, at);
    }
    return at;
  };
  if (isRegular(shapes)) return { blocks: shapes.map((shape) => blockOf(shape, indexOf)), metrics, points, overwritten: 0 };
  const blocks = newestOnly(shapes, indexOf);
  const kept = blocks.reduce((sum, { values }) => sum + values.length / 8, 0);
  return { blocks, metrics, points: kept, overwritten: points - kept };
}

/** Steps rise in every table and no name is in two of them: nothing can be there twice. */
function isRegular(shapes: readonly Shape[]): boolean {
  const seen = new Set<string>();
  let names = 0;
  for (const { names: own, steps, rows } of shapes) {
    for (let row = 1; row < rows; row++) if ((steps[row] as number) <= (steps[row - 1] as number)) return false;
    for (const name of own) seen.add(name);
    names += own.length;
  }
  return seen.size === names;
}

function blockOf({ names, steps, times, values, rows }: Shape, indexOf: (name: string) => number): ScalarBlock {
  const width = names.length;
  const byMetric = new Float64Array(rows * width);
  for (let metric = 0; metric < width; metric++) {
    for (let row = 0; row < rows; row++) byMetric[metric * rows + row] = values[row * width + metric] as number;
  }
  return create(ScalarBlockSchema, {
    metrics: names.map(indexOf),
    steps: encodeIntColumn(steps, rows),
    times: encodeIntColumn(times, rows),
    values: float64Bytes(byMetric),
  });
}

interface Cell {
  readonly step: number;
  readonly time: number;
  readonly order: number;
  readonly value: number;
}

/** The slow road: one block a metric, the last value of each step, by rising step. */
function newestOnly(shapes: readonly Shape[], indexOf: (name: string) => number): ScalarBlock[] {
  const series = new Map<string, Map<number, Cell>>();
  for (const { names, steps, times, orders, values, rows } of shapes) {
    names.forEach((name, metric) => {
      const cells = series.get(name) ?? new Map<number, Cell>();
      series.set(name, cells);
      for (let row = 0; row < rows; row++) {
        const step = steps[row] as number;
        const order = orders[row] as number;
        const before = cells.get(step);
        if (before !== undefined && before.order > order) continue;
        cells.set(step, { step, time: times[row] as number, order, value: values[row * names.length + metric] as number });
      }
    });
  }
  return [...series].map(([name, cells]) => {
    const sorted = [...cells.values()].sort((a, b) => a.step - b.step);
    return create(ScalarBlockSchema, {
      metrics: [indexOf(name)],
      steps: encodeIntColumn(sorted.map(({ step }) => step)),
      times: encodeIntColumn(sorted.map(({ time }) => time)),
      values: float64Bytes(Float64Array.from(sorted, ({ value }) => value)),
    });
  });
}
