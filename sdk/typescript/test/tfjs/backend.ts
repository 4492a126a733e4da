// Which backend of TensorFlow.js computes in this process. The adapter's tests run twice: on the plain JavaScript backend, and, in
// the test project "tfjs-node" (GRADWATCH_TFJS_BACKEND=tensorflow), on TensorFlow's C library.

import * as tf from "@tensorflow/tfjs";

const wanted = process.env["GRADWATCH_TFJS_BACKEND"] ?? "cpu";

/** Why the wanted backend cannot be had here. */
export const backendMissing: string | undefined = wanted === "tensorflow" ? await loadTfjsNode() : undefined;

/** Await it before the first tensor, in every test file that makes tensors. */
export async function useBackend(): Promise<void> {
  if (backendMissing !== undefined) return;
  if (!(await tf.setBackend(wanted))) throw new Error(`TensorFlow.js has no backend "${wanted}"`);
}

/** Registers its backend with the one engine of this process. */
async function loadTfjsNode(): Promise<string | undefined> {
  try {
    await import("@tensorflow/tfjs-node");
    return undefined;
  } catch (error) {
    const [said] = (error instanceof Error ? error.message : String(error)).split("\n");
    return `tfjs-node: its binding does not load; npm run tfjs-node builds it (${said?.trim()})`;
  }
}
