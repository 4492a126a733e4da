// Summarises tensors with tensor operations, so that accelerators send a few hundred numbers instead of the tensor.
// Counts are summed as int32, moments as float32 of values scaled by the tensor's largest, so that exploding values
// do not overflow when squared. All statistics of all tensors of a step travel in two transfers, one a type.
// float32 decides the bucket: a value within rounding of a bucket's edge may be counted in the neighbour.

import type * as tf from "@tensorflow/tfjs";
import type { TensorSummaryValues } from "../types.ts";
import { HISTOGRAM_BINS_PER_SIGN, unpackHistogram } from "./binned-histogram.ts";
import type { TensorReader } from "./tensor-reader.ts";

type Engine = typeof tf;

/** Order of the int32 statistics; the bins of both signs follow. */
const COUNTS = ["nan", "positiveInfinity", "negativeInfinity", "zero", "negative", "positive"] as const;
/** Order of the float32 statistics. The sums are of x / maxAbsolute. */
const MOMENTS = ["min", "max", "maxAbsolute", "sum", "sumSquares", "sumAbsolute", "scale", "offset"] as const;

const COUNT_LENGTH = COUNTS.length + 2 * HISTOGRAM_BINS_PER_SIGN;

export function backendReader(engine: Engine): TensorReader {
  return {
    summarize: async (tensors) => {
      if (tensors.length === 0) return [];
      const [counts, moments] = await read(engine, () => {
        const parts = tensors.map((tensor) => statistics(engine, tensor));
        return [engine.concat1d(parts.map((part) => part.counts)), engine.concat1d(parts.map((part) => part.moments))];
      });
      return tensors.map((_, index) =>
        unpack(
          counts!.subarray(index * COUNT_LENGTH, (index + 1) * COUNT_LENGTH),
          moments!.subarray(index * MOMENTS.length, (index + 1) * MOMENTS.length),
        ),
      );
    },
    norm: async (tensors) => {
      if (tensors.length === 0) return 0;
      const [parts] = await read(engine, () => [engine.concat1d(tensors.map((tensor) => normParts(engine, tensor)))]);
      return normOf(parts!);
    },
  };
}

type Values = Float32Array | Int32Array | Uint8Array;

/** Computes inside a tidy, transfers outside, and disposes also when the transfer fails. */
async function read(engine: Engine, compute: () => tf.Tensor[]): Promise<Values[]> {
  const results = engine.tidy(compute);
  try {
    return await Promise.all(results.map((result) => result.data()));
  } finally {
    engine.dispose(results);
  }
}

function statistics(engine: Engine, tensor: tf.Tensor): { counts: tf.Tensor1D; moments: tf.Tensor1D } {
  const x = tensor.flatten().toFloat();
  const finite = x.isFinite();
  const infinite = x.isInf();
  const zeros = engine.zerosLike(x);
  const safe = engine.where(finite, x, zeros);
  const negative = safe.less(0);
  const positive = safe.greater(0);
  const absolute = safe.abs();
  const maxAbsolute = absolute.max();
  // 1 where everything is zero: nothing to scale.
  const unit = engine.where(maxAbsolute.greater(0), maxAbsolute, engine.onesLike(maxAbsolute));
  const scaled = safe.div(unit);
  const { bins, scale, offset } = binned(engine, { absolute, negative, positive, maxAbsolute });
  const count = (mask: tf.Tensor): tf.Tensor => mask.toInt().sum();
  const counts = [
    count(x.isNaN()),
    count(infinite.logicalAnd(x.greater(0))),
    count(infinite.logicalAnd(x.less(0))),
    count(finite.logicalAnd(safe.equal(0))),
    count(negative),
    count(positive),
  ];
  const moments = [
    engine.where(finite, x, engine.fill(x.shape, Number.POSITIVE_INFINITY)).min(),
    engine.where(finite, x, engine.fill(x.shape, Number.NEGATIVE_INFINITY)).max(),
    maxAbsolute,
    scaled.sum(),
    scaled.square().sum(),
    scaled.abs().sum(),
    scale,
    offset,
  ];
  return {
    counts: engine.concat1d([engine.stack(counts) as tf.Tensor1D, bins]),
    moments: engine.stack(moments) as tf.Tensor1D,
  };
}

interface Signed {
  readonly absolute: tf.Tensor;
  readonly negative: tf.Tensor;
  readonly positive: tf.Tensor;
  readonly maxAbsolute: tf.Tensor;
}

/** The finest scale at which the tensor's own range fits the bins, found without asking the backend for a number. */
function binned(
  engine: Engine,
  { absolute, negative, positive, maxAbsolute }: Signed,
): { bins: tf.Tensor1D; scale: tf.Tensor; offset: tf.Tensor } {
  const isNumber = negative.logicalOr(positive);
  const ones = engine.onesLike(absolute);
  const log2 = (value: tf.Tensor): tf.Tensor => value.log().div(Math.LN2);
  const exponents = log2(engine.where(isNumber, absolute, ones));
  const top = log2(engine.where(maxAbsolute.greater(0), maxAbsolute, engine.onesLike(maxAbsolute)));
  const bottom = log2(engine.where(isNumber, absolute, engine.mul(ones, maxAbsolute)).min().maximum(SMALLEST_NORMAL));
  // Two bins of slack: rounding down at the bottom and up at the top.
  const span = top.sub(bottom).maximum(2 ** -10);
  const scale = log2(engine.scalar(HISTOGRAM_BINS_PER_SIGN - 2).div(span))
    .floor()
    .clipByValue(-4, SCALE_MAX);
  const factor = engine.pow(2, scale);
  const offset = bottom.mul(factor).ceil().sub(1);
  const bin = exponents
    .mul(factor)
    .ceil()
    .sub(1)
    .sub(offset)
    .clipByValue(0, HISTOGRAM_BINS_PER_SIGN - 1)
    .toInt();
  const unused = engine.fill(bin.shape, 2 * HISTOGRAM_BINS_PER_SIGN, "int32");
  const index = engine.where(positive, bin, engine.where(negative, bin.add(engine.scalar(HISTOGRAM_BINS_PER_SIGN, "int32")), unused));
  const all = engine.unsortedSegmentSum<tf.Tensor1D>(
    engine.onesLike(bin) as tf.Tensor1D,
    index as tf.Tensor1D,
    2 * HISTOGRAM_BINS_PER_SIGN + 1,
  );
  return { bins: all.slice(0, 2 * HISTOGRAM_BINS_PER_SIGN), scale, offset };
}

/** float32's smallest normal number; backends may flush what is smaller to zero, whose logarithm is -Infinity. */
const SMALLEST_NORMAL = 2 ** -126;
/** Finer than this, float32 cannot tell the buckets of numbers around 1 apart. */
const SCALE_MAX = 7;

function unpack(counts: Values, moments: Values): TensorSummaryValues {
  const count = Object.fromEntries(COUNTS.map((name, i) => [name, counts[i]!])) as Record<(typeof COUNTS)[number], number>;
  const moment = Object.fromEntries(MOMENTS.map((name, i) => [name, moments[i]!])) as Record<(typeof MOMENTS)[number], number>;
  const finite = count.zero + count.negative + count.positive;
  const unit = moment.maxAbsolute > 0 ? moment.maxAbsolute : 1;
  return {
    count: finite + count.nan + count.positiveInfinity + count.negativeInfinity,
    ...count,
    ...(finite > 0 ? { min: moment.min, max: moment.max } : {}),
    sum: moment.sum * unit,
    sumSquares: moment.sumSquares * unit * unit,
    sumAbsolute: moment.sumAbsolute * unit,
    histogram: unpackHistogram({ bins: counts.subarray(COUNTS.length), scale: moment.scale, offset: moment.offset, zeroCount: count.zero }),
  };
}

/** [NaN count, Inf count, largest finite, sum of squares of x / largest] */
function normParts(engine: Engine, tensor: tf.Tensor): tf.Tensor1D {
  const x = tensor.flatten().toFloat();
  const absolute = engine.where(x.isFinite(), x, engine.zerosLike(x)).abs();
  const largest = absolute.max();
  const unit = engine.where(largest.greater(0), largest, engine.onesLike(largest));
  return engine.stack([x.isNaN().toFloat().sum(), x.isInf().toFloat().sum(), largest, absolute.div(unit).square().sum()]) as tf.Tensor1D;
}

function normOf(parts: Values): number {
  let sumSquares = 0;
  let infinite = false;
  for (let i = 0; i < parts.length; i += 4) {
    if (parts[i]! > 0) return Number.NaN;
    infinite ||= parts[i + 1]! > 0;
    sumSquares += parts[i + 3]! * parts[i + 2]! * parts[i + 2]!;
  }
  return infinite ? Number.POSITIVE_INFINITY : Math.sqrt(sumSquares);
}
