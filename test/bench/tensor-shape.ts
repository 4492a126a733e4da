// What the tensor benchmark logs, in both halves.

/** A step. */
export const TENSORS = 50;
/** Of one histogram, half of them for negative values. */
export const BUCKETS = 160;
