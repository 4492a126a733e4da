// Keeps a tensor's values alive beyond the tidy, or the disposal, that training plans for them.

import type * as tf from "@tensorflow/tfjs";

/**
 * A second handle on the same memory, the caller's to dispose. Made without the kernel call of `clone()`, which takes some times as long and which a
 * gradient's tape would record.
 */
export function holdTensor(engine: typeof tf, { dataId, shape, dtype }: tf.Tensor): tf.Tensor {
  const own = engine.engine();
  own.backend.incRef(dataId);
  return engine.keep(own.makeTensorFromTensorInfo({ dataId, shape, dtype }));
}
