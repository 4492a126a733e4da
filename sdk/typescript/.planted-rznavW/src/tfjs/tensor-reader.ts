// Two ways to turn tensors into numbers with one result. In memory: where a tensor's values already lie in the
// process (the plain and the wasm backend), one loop over them beats a chain of tensor operations several times and is
// exact. On the backend: elsewhere, a few hundred numbers a tensor travel instead of the tensor.

import type * as tf from "@tensorflow/tfjs";
import type { TensorSummaryValues } from "../types.ts";
import { backendReader } from "./backend-reader.ts";
import { memoryReader } from "./memory-reader.ts";

export interface TensorReader {
  /** One summary a tensor, in order. Disposes nothing that it is given and leaves nothing behind. */
  summarize(tensors: readonly tf.Tensor[]): Promise<TensorSummaryValues[]>;
  /** L2 norm over all elements; NaN or Infinity when one of them is. */
  norm(tensors: readonly tf.Tensor[]): Promise<number>;
}

const BACKENDS_IN_MEMORY: ReadonlySet<string> = new Set(["cpu", "wasm"]);

/** Asked anew at every step: the user may change the backend. */
export function readerFor(engine: typeof tf): TensorReader {
  return BACKENDS_IN_MEMORY.has(engine.getBackend()) ? memoryReader : backendReader(engine);
}
