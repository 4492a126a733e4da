// The shape of a whole series in constant memory: at most BLOCKS_MAX blocks of equal length, each with the mean and
// spread of medians of three points. When it is full, neighbours are joined and blocks become twice as long. A single
// wild point moves nothing; points that are not finite must not reach it.

import { median } from "./robust.ts";

const BLOCKS_MAX = 64;
/** Points a median is taken of. */
const MEDIAN_OF = 3;

export type Block = {
  firstStep: number;
  lastStep: number;
  /** Medians in the block. */
  medians: number;
  mean: number;
  /** Sum of squared deviations of the medians from their mean (Welford). */
  squares: number;
  /** Learning rate when the block ended; NaN when none is known. */
  learningRate: number;
};

export type BlockSeries = {
  /** Medians in a full block. */
  length: number;
  blocks: Block[];
  /** Points that wait for their median. */
  raw: number[];
  rawFirstStep: number;
};

export function emptyBlockSeries(): BlockSeries {
  return { length: 1, blocks: [], raw: [], rawFirstStep: Number.NaN };
}

/** Adds a point in place; true when a block became full. */
export function addToBlocks(series: BlockSeries, step: number, value: number, learningRate: number): boolean {
  if (series.raw.length === 0) series.rawFirstStep = step;
  series.raw.push(value);
  if (series.raw.length < MEDIAN_OF) return false;
  const fresh: Block = { firstStep: series.rawFirstStep, lastStep: step, medians: 1, mean: median(series.raw), squares: 0, learningRate };
  series.raw = [];
  const last = series.blocks.at(-1);
  if (last !== undefined && last.medians < series.length) series.blocks[series.blocks.length - 1] = join(last, fresh);
  else series.blocks.push(fresh);
  const full = series.blocks.at(-1)!.medians >= series.length;
  if (full && series.blocks.length >= BLOCKS_MAX) halve(series);
  return full;
}

/** Forgets what came at `step` or later: the run was resumed from before it. */
export function cutBlocks(series: BlockSeries, step: number): void {
  series.blocks = series.blocks.filter(({ lastStep }) => lastStep < step);
  series.raw = [];
}

function halve(series: BlockSeries): void {
  const joined: Block[] = [];
  for (let i = 0; i < series.blocks.length; i += 2) {
    const next = series.blocks[i + 1];
    joined.push(next === undefined ? series.blocks[i]! : join(series.blocks[i]!, next));
  }
  series.blocks = joined;
  series.length *= 2;
}

/** Chan et al. 1979: exact for any split. */
function join(a: Block, b: Block): Block {
  const medians = a.medians + b.medians;
  const delta = b.mean - a.mean;
  return {
    firstStep: a.firstStep,
    lastStep: b.lastStep,
    medians,
    mean: a.mean + (delta * b.medians) / medians,
    squares: a.squares + b.squares + (delta * delta * a.medians * b.medians) / medians,
    learningRate: b.learningRate,
  };
}

export interface Trend {
  readonly blocks: number;
  readonly firstStep: number;
  readonly lastStep: number;
  /** Mean of the window. */
  readonly level: number;
  /** How far the fitted line falls from the window's first step to its last; negative when it rises. */
  readonly gain: number;
  readonly gainStandardError: number;
}

/** Least squares through the full blocks that begin at `fromStep` or later; null for fewer than `blocksMin`. */
export function trendSince(series: BlockSeries, fromStep: number, blocksMin: number): Trend | null {
  const window = series.blocks.filter(({ firstStep, medians }) => firstStep >= fromStep && medians >= series.length);
  const first = window[0];
  const last = window.at(-1);
  if (first === undefined || last === undefined || window.length < Math.max(3, blocksMin)) return null;
  const count = window.length;
  const middles = window.map(({ firstStep, lastStep }) => (firstStep + lastStep) / 2);
  const middle = mean(middles);
  const level = mean(window.map((block) => block.mean));
  let sxx = 0;
  let sxy = 0;
  for (let i = 0; i < count; i += 1) {
    sxx += (middles[i]! - middle) ** 2;
    sxy += (middles[i]! - middle) * (window[i]!.mean - level);
  }
  const slope = sxx > 0 ? sxy / sxx : 0;
  let residual = 0;
  for (let i = 0; i < count; i += 1) residual += (window[i]!.mean - level - slope * (middles[i]! - middle)) ** 2;
  const span = last.lastStep - first.firstStep;
  const standardError = sxx > 0 ? Math.sqrt(residual / (count - 2) / sxx) : 0;
  return {
    blocks: count,
    firstStep: first.firstStep,
    lastStep: last.lastStep,
    level,
    gain: -slope * span,
    gainStandardError: standardError * span,
  };
}

function mean(values: readonly number[]): number {
  // Divided before adding: losses of 1e308 do not overflow.
  return values.reduce((sum, value) => sum + value / values.length, 0);
}
