// A training in a process of its own, with and without being watched, in turn. Prints the cost of a step in both, round by round, as JSON.
// Usage: train-watched.ts NET BACKEND ADDRESS ROUNDS

import { createRequire } from "node:module";
import { init } from "@gradwatch/sdk";
import { gradwatchCallback } from "@gradwatch/sdk/tfjs";
import type * as Tfjs from "@tensorflow/tfjs";

const [net = "", backend = "cpu", address = "", rounds = "5"] = process.argv.slice(2);
const tf = createRequire(import.meta.url)(backend === "cpu" ? "@tensorflow/tfjs" : "@tensorflow/tfjs-node") as typeof Tfjs;
await tf.setBackend(backend);

interface Task {
  readonly model: Tfjs.LayersModel;
  readonly x: Tfjs.Tensor;
  readonly y: Tfjs.Tensor;
  readonly batchSize: number;
}

const CLASSES = 10;
const labels = (samples: number): Tfjs.Tensor => tf.oneHot(tf.randomUniform([samples], 0, CLASSES, "int32", 1), CLASSES);

const nets: Readonly<Record<string, (steps: number) => Task>> = {
  dense(steps) {
    const batchSize = 64;
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 64, activation: "relu", inputShape: [128] }),
        tf.layers.dense({ units: 64, activation: "relu" }),
        tf.layers.dense({ units: CLASSES, activation: "softmax" }),
      ],
    });
    return { model, batchSize, x: tf.randomNormal([steps * batchSize, 128], 0, 1, "float32", 2), y: labels(steps * batchSize) };
  },
  cnn(steps) {
    const batchSize = 8;
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 6, kernelSize: 3, activation: "relu", inputShape: [14, 14, 1] }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.conv2d({ filters: 12, kernelSize: 3, activation: "relu" }),
        tf.layers.flatten(),
        tf.layers.dense({ units: CLASSES, activation: "softmax" }),
      ],
    });
    return { model, batchSize, x: tf.randomNormal([steps * batchSize, 14, 14, 1], 0, 1, "float32", 2), y: labels(steps * batchSize) };
  },
  lstm(steps) {
    const batchSize = 16;
    const model = tf.sequential({
      layers: [tf.layers.lstm({ units: 24, inputShape: [12, 8] }), tf.layers.dense({ units: CLASSES, activation: "softmax" })],
    });
    return { model, batchSize, x: tf.randomNormal([steps * batchSize, 12, 8], 0, 1, "float32", 2), y: labels(steps * batchSize) };
  },
};

/** Short, so that the machine is the same in both halves of a pair; a summary comes every 20 steps. */
const ROUND_MS = 500;
const ROUND_STEPS_MIN = 20;
const make = nets[net];
if (make === undefined) throw new Error(`no net is called ${JSON.stringify(net)}; there are ${Object.keys(nets).join(", ")}`);

function compiled(task: Task): Task {
  task.model.compile({ optimizer: tf.train.adam(0.001), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return task;
}

/** Of a step, in milliseconds. CPU is the whole process's: what is sent beside training costs, too. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** Without callbacks, the very call that a user makes who has none: tfjs then lets the event loop run now and then by itself. */
async function costOf({ model, x, y, batchSize }: Task, callbacks?: Tfjs.CustomCallback[]): Promise<Cost> {
  const [begun, cpuBegun] = [performance.now(), process.cpuUsage()];
  await model.fit(x, y, { epochs: 1, batchSize, shuffle: false, verbose: 0, ...(callbacks === undefined ? {} : { callbacks }) });
  const { user, system } = process.cpuUsage(cpuBegun);
  const made = x.shape[0] / batchSize;
  return { wall: (performance.now() - begun) / made, cpu: (user + system) / 1_000 / made };
}

// What compiles is no part of it: neither training's own, nor the first look.
const warm = compiled(make(30));
const usualMs = Math.min((await costOf(warm)).cpu, (await costOf(warm)).cpu);
const steps = Math.max(ROUND_STEPS_MIN, Math.round(ROUND_MS / usualMs));
const run = init({ project: "bench", url: address, verbose: false });
const task = compiled(make(steps));
const callback = gradwatchCallback(run);
await costOf(task, [callback]);
const pairs: { watched: Cost; alone: Cost }[] = [];
for (let round = 0; round < Number(rounds); round++) {
  const watchedFirst = round % 2 === 0;
  const first = await costOf(task, watchedFirst ? [callback] : undefined);
  const second = await costOf(task, watchedFirst ? undefined : [callback]);
  pairs.push(watchedFirst ? { watched: first, alone: second } : { watched: second, alone: first });
}
await run.finish();
process.stdout.write(`${JSON.stringify({ pairs, steps })}\n`);
