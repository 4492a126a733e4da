// A recurrent net adds up the marked numbers of a sequence: a loop written by hand, with gradients clipped by their norm. `watch` sees every step by
// itself, the norm before clipping included; how much gradient reaches each time step shows whether it can learn from far back.

import { init } from "@gradwatch/sdk";
import { watch } from "@gradwatch/sdk/tfjs";
import * as tf from "@tensorflow/tfjs";

const STEPS = 20;
const BATCH = 16;
const CLIP = 1;

/** Numbers between 0 and 1, two of which are marked. */
function sequences(): { x: tf.Tensor3D; sums: tf.Tensor2D } {
  const rows = Array.from({ length: BATCH }, () => {
    const marked = new Set([Math.floor((Math.random() * STEPS) / 2), Math.floor(STEPS / 2 + (Math.random() * STEPS) / 2)]);
    return Array.from({ length: STEPS }, (_none, time) => [Math.random(), marked.has(time) ? 1 : 0] as const);
  });
  const sums = rows.map((row) => [row.reduce((sum, [number, mark]) => sum + number * mark, 0)]);
  return { x: tf.tensor3d(rows.map((row) => row.map((pair) => [...pair]))), sums: tf.tensor2d(sums) };
}

const model = tf.sequential({
  layers: [tf.layers.gru({ name: "memory", units: 16, inputShape: [STEPS, 2] }), tf.layers.dense({ name: "out", units: 1 })],
});
const optimizer = tf.train.adam(0.01);

const run = init({ project: "examples", name: "recurrent", config: { clip: CLIP } });
const watcher = watch(model, run, { optimizer, lossKind: "mean-squared-error" });
for (let step = 0; step < 60 && !run.shouldStop(); step++) {
  const { x, sums } = sequences();
  const loss = (): tf.Scalar => tf.losses.meanSquaredError(sums, model.apply(x, { training: true }) as tf.Tensor);
  tf.tidy(() => {
    const { grads } = tf.variableGrads(loss);
    const squares = Object.values(grads).map((gradient) => gradient.square().sum());
    const factor = tf.addN(squares).sqrt().reciprocal().mul(CLIP).minimum(1);
    optimizer.applyGradients(Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [name, gradient.mul(factor)])));
  });
  tf.dispose([x, sums]);
  // Points leave the process over the event loop.
  await tf.nextFrame();
}
watcher.stop();
await run.finish();
