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
}

/** Lists of names by their beginnings. */
interface Node {
  shape: Shape | undefined;
  readonly next: Map<string, Node>;
}

/** Of a table that is used for the first time; it doubles when it is full. */
const firstRows = 4;
/** Wider records are several tables: a list of names is kept for each. */
const WIDTH_MAX = 64;
/** Beginnings kept; who logs another set of names every time gets a fresh start now and then. */
const NODES_MAX = 200_000;

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
  let root: Node = { shape: undefined, next: new Map() };
  let nodes = 0;
  let used: Shape[] = [];
  let last: Shape | undefined;
  let order = 0;
  let points = 0;

  function shapeOf(names: readonly string[], from: number, count: number): Shape {
    if (last !== undefined && sameNames(last.names, names, from, count)) return last;
    let node = root;
    for (let i = from; i < from + count; i++) {
      const name = names[i] as string;
      let next = node.next.get(name);
      if (next === undefined) {
        next = { shape: undefined, next: new Map() };
        nodes += 1;
        node.next.set(name, next);
      }
      node = next;
    }
    last = node.shape ??= newShape(names.slice(from, from + count));
    return last;
  }

  function appendRow(names: readonly string[], values: ArrayLike<number>, from: number, count: number, step: number, timeMs: number): void {
    const shape = shapeOf(names, from, count);
    const row = shape.rows;
    if (row === 0) used.push(shape);
    if (row === shape.steps.length) grow(shape);
    shape.steps[row] = step;
    shape.times[row] = timeMs;
    shape.orders[row] = order++;
    for (let i = from, at = row * count; i < from + count; i++, at++) shape.values[at] = values[i] as number;
    shape.rows = row + 1;
    points += count;
  }

  return {
    append(names, values, count, step, timeMs) {
      for (let from = 0; from < count; from += WIDTH_MAX) appendRow(names, values, from, Math.min(WIDTH_MAX, count - from), step, timeMs);
    },
    points: () => points,
    take() {
      const sealed = seal(used, points);
      for (const shape of used) shape.rows = 0;
      used = [];
      points = 0;
      order = 0;
      if (nodes > NODES_MAX) {
        root = { shape: undefined, next: new Map() };
        nodes = 0;
        last = undefined;
      }
      return sealed;
    },
  };
}

const newShape = (names: readonly string[]): Shape => ({
  names,
  steps: new Float64Array(0),
  times: new Float64Array(0),
  orders: new Float64Array(0),
  values: new Float64Array(0),
  rows: 0,
});

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

function sameNames(a: readonly string[], b: readonly string[], from: number, count: number): boolean {
  if (a.length !== count) return false;
  for (let i = 0; i < count; i++) if (a[i] !== b[from + i]) return false;
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
