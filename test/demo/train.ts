// One training of the demo, in a process of its own, as a user would write it: tfjs, `init`, the callback, `finish`.
// Usage: train.ts TRAINING SEED GRPC_ADDRESS

import { init } from "@gradwatch/sdk";
import { gradwatchCallback } from "@gradwatch/sdk/tfjs";
import * as tf from "@tensorflow/tfjs";
import { makeDigits } from "./task/digits.ts";
import { crossEntropy, makeNetwork } from "./task/network.ts";
import { trainingOf } from "./trainings.ts";

const BATCH_SIZE = 32;
const TRAIN_SAMPLES = 2048;
const VALIDATION_SAMPLES = 256;

const [id = "healthy", seedText = "1", url = "127.0.0.1:7071"] = process.argv.slice(2);
const training = trainingOf(id);
const seed = Number(seedText);

await tf.setBackend("cpu");
const train = makeDigits(TRAIN_SAMPLES, seed);
const validation = makeDigits(VALIDATION_SAMPLES, seed + 1_000_000);
const optimizer = tf.train.sgd(training.learningRate);
const model = makeNetwork({ seed, trainTrunk: training.trainTrunk });
model.compile({ optimizer, loss: crossEntropy, metrics: ["accuracy"] });

const { learningRate, trainTrunk } = training;
const run = init({
  project: "demo",
  id,
  name: id,
  notes: training.story,
  url,
  config: { learningRate, trainTrunk, batchSize: BATCH_SIZE, seed },
});
run.describe({ lossKind: "cross-entropy", classes: 10, optimizer: "sgd" });

let rate = learningRate;
const schedule = new tf.CustomCallback({
  onBatchEnd: async () => {
    rate *= training.learningRateGrowth;
    optimizer.setLearningRate(rate);
  },
});
await model.fit(train.images, train.labels, {
  epochs: training.epochs,
  batchSize: BATCH_SIZE,
  verbose: 0,
  validationData: [validation.images, validation.labels],
  callbacks: [gradwatchCallback(run, { every: 10 }), schedule],
});
const report = await run.finish();
process.exitCode = report.pending === 0 && report.rejected === 0 ? 0 : 1;
