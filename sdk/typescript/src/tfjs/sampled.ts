// Bounds what one look at a layer costs: of a large output the first samples stand for all.

import type * as tf from "@tensorflow/tfjs";

/** Values of one tensor that are looked at: 1 to 2 ms of a loop over them. */
export const VALUES_MAX: number = 2 ** 18;
/** Pieces of one tensor (time steps of a recurrent layer's gates) that are looked at, evenly picked. */
const PIECES_MAX = 16;

/** One tensor of whole samples with at most VALUES_MAX values, or of one sample; to be called in a tidy. May be one of the pieces. */
export function sampled(engine: typeof tf, pieces: readonly tf.Tensor[]): tf.Tensor {
  const stride = Math.ceil(pieces.length / PIECES_MAX);
  const picked = pieces.filter((_piece, index) => index % stride === 0);
  const whole = picked.length === 1 ? (picked[0] as tf.Tensor) : engine.concat([...picked], 0);
  const samples = whole.shape[0] ?? 1;
  const most = Math.max(1, Math.floor(VALUES_MAX / (whole.size / Math.max(1, samples))));
  return samples <= most ? whole : whole.slice(0, most);
}
