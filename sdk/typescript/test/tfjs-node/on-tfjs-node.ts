// Set-up of the test project "tfjs-node": without the binding every test is skipped with the reason; with it no file may end on
// another backend unseen.

import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeEach } from "vitest";
import { backendMissing } from "../tfjs/backend.ts";

beforeEach((testing) => {
  if (backendMissing !== undefined) testing.skip(backendMissing);
});

afterAll(() => {
  const backend = tf.getBackend();
  if (backendMissing === undefined && backend !== "tensorflow") throw new Error(`computed on ${backend}: await useBackend() first`);
});
