// The summary of one tensor: counts, moments, histogram. On a backend, counts are summed as int32, moments as float32 of values scaled by
// the tensor's largest, so that exploding values do not overflow when squared. float32 decides the bucket there: a
// value within rounding of a bucket's edge may be counted in the neighbour.

import type * as tf from "@tensorflow/tfjs";
import { summarize } from "../summarize.ts";
import type { TensorSummaryValues } from "../types.ts";
import { binned, HISTOGRAM_BINS_PER_SIGN, unpackHistogram } from "./binned-histogram.ts";
import { decodeWholeNumbers, type Reduction, wholeNumbers } from "./readings.ts";
import { hashValues } from "./value-hash.ts";

/** Order of the counts; the bins of both signs follow. */
const COUNTS = ["nan", "positiveInfinity", "negativeInfinity", "zero", "negative", "positive"] as const;
/** Order of the moments, behind the counts. The sums are of x / maxAbsolute. */
const MOMENTS = ["min", "max", "maxAbsolute", "sum", "sumSquares", "sumAbsolute", "scale", "offset"] as const;

/** @param options.hash Also tell whether the values are those of another time or rank; only in memory. */
export function summaryOf(tensor: tf.Tensor, options: { readonly hash: boolean } = { hash: false }): Reduction<TensorSummaryValues> {
  return {
    onBackend: (engine) => statistics(engine, tensor),
    decode: unpack,
    inMemory(valuesOf) {
      const values = valuesOf(tensor);
      const summary = summarize(values);
      return options.hash ? { ...summary, hash: hashValues(values) } : summary;
    },
  };
}

function statistics(engine: typeof tf, tensor: tf.Tensor): tf.Tensor1D {
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
  const counts = engine.stack([
    count(x.isNaN()),
    count(infinite.logicalAnd(x.greater(0))),
    count(infinite.logicalAnd(x.less(0))),
    count(finite.logicalAnd(safe.equal(0))),
    count(negative),
    count(positive),
  ]) as tf.Tensor1D;
  const moments = engine.stack([
    engine.where(finite, x, engine.fill(x.shape, Number.POSITIVE_INFINITY)).min(),
    engine.where(finite, x, engine.fill(x.shape, Number.NEGATIVE_INFINITY)).max(),
    maxAbsolute,
    scaled.sum(),
    scaled.square().sum(),
    scaled.abs().sum(),
    scale,
    offset,
  ]) as tf.Tensor1D;
  return engine.concat1d([wholeNumbers(engine, engine.concat1d([counts, bins])), moments]);
}

function unpack(row: Float32Array): TensorSummaryValues {
  const counts = decodeWholeNumbers(row.subarray(0, 2 * (COUNTS.length + 2 * HISTOGRAM_BINS_PER_SIGN)));
  const moments = row.subarray(-MOMENTS.length);
  const count = Object.fromEntries(COUNTS.map((name, i) => [name, counts[i]])) as Record<(typeof COUNTS)[number], number>;
  const moment = Object.fromEntries(MOMENTS.map((name, i) => [name, moments[i]])) as Record<(typeof MOMENTS)[number], number>;
  const finite = count.zero + count.negative + count.positive;
  const unit = moment.maxAbsolute > 0 ? moment.maxAbsolute : 1;
  return {
    count: finite + count.nan + count.positiveInfinity + count.negativeInfinity,
    ...count,
    ...(finite > 0 ? { min: moment.min, max: moment.max } : {}),
    sum: moment.sum * unit,
    sumSquares: moment.sumSquares * unit * unit,
    sumAbsolute: moment.sumAbsolute * unit,
    histogram: unpackHistogram({ bins: counts.slice(COUNTS.length), scale: moment.scale, offset: moment.offset, zeroCount: count.zero }),
  };
}
