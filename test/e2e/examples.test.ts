// The SDK's examples, run as a user would, against a real server: each ends by itself, and what it promises to show is there.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type ServerProcess } from "../processes/server-process.ts";

const execute = promisify(execFile);
const folder = fileURLToPath(new URL("../../sdk/typescript/examples/", import.meta.url));

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

interface Tensor {
  readonly name: string;
  readonly kind: string;
}
interface Example {
  readonly name: string;
  readonly metrics: readonly string[];
  /** `kind name`. */
  readonly tensors: readonly string[];
  readonly images: readonly string[];
}

const examples: readonly Example[] = [
  {
    name: "dense",
    metrics: ["loss", "val_loss", "acc", "val_acc", "step/loss", "step/gradient_norm", "step/learning_rate", "step/update_surprise_rms"],
    tensors: [
      "gradient first/kernel",
      "update out/bias",
      "weight second/kernel",
      "activation first",
      "pre-activation second",
      "output out",
    ],
    images: [],
  },
  {
    name: "convolution",
    metrics: ["loss", "acc", "step/data_wait_ms", "step/step_time_ms"],
    tensors: ["activation filters", "pre-activation filters", "input filters_input"],
    images: ["filters/filters", "inputs/filters_input"],
  },
  {
    name: "recurrent",
    metrics: ["step/loss", "step/gradient_norm", "step/batch_size"],
    tensors: ["state-gradient memory", "pre-activation memory/gates", "gradient memory/recurrent_kernel", "output out"],
    images: [],
  },
];

describe.each(examples)("the example $name", ({ name, metrics, tensors, images }) => {
  test("logs what it says", async () => {
    await execute(process.execPath, ["--conditions=source", `${folder}${name}.ts`], {
      env: { ...process.env, GRADWATCH_URL: server.grpc(), GRADWATCH_RUN_ID: name },
    });
    const run = `/api/v1/projects/examples/runs/${name}`;
    const read = async <Answer>(path: string): Promise<Answer> => (await (await fetch(`${server.http()}${path}`)).json()) as Answer;
    expect((await read<{ state: string }>(run)).state).toBe("finished");
    const stored = await read<{ metrics: readonly { name: string }[] }>(`${run}/metrics`);
    expect(stored.metrics.map((metric) => metric.name)).toEqual(expect.arrayContaining([...metrics]));
    const { tensors: seen } = await read<{ tensors: readonly Tensor[] }>(`${run}/tensors`);
    expect(seen.map((tensor) => `${tensor.kind} ${tensor.name}`)).toEqual(expect.arrayContaining([...tensors]));
    const drawn = await read<{ images: readonly { name: string }[] }>(`${run}/images`);
    expect(drawn.images.map((image) => image.name)).toEqual(expect.arrayContaining([...images]));
  });
});
