// A training process with everything captured: prints, sets, raises, draws, and holds a few secrets.
//   node train-captured.ts GRPC_ADDRESS RUN_ID ENDING

import { setTimeout } from "node:timers/promises";
import { init, SummaryWriter } from "@gradwatch/sdk";

const [, , url = "", id = "", ending = "finish"] = process.argv;
const run = init({
  project: "captured",
  id,
  url,
  verbose: false,
  config: {
    optimizer: { name: "adam", lr: 0.1, betas: [0.9, 0.999] },
    max_tokens: 4096,
    pad_token: "<pad>",
    hf_token: "hf_abcdefghijklmnopqrstuvwxyz",
    database: { url: "postgres://me:hunter2@db/runs", password: "hunter2" },
  },
});
process.stdout.write("epoch 1\n");
process.stdout.write("progress 10%\rprogress 100%\n");
process.stderr.write("\u001B[31mwarning\u001B[0m: loss is high\n");
process.stdout.write("connecting with api_key=sk-abcdefghijklmnop1234\n");
process.stdout.write("a line without an end");
for (let step = 0; step < 20; step++) run.log({ loss: 1 / (step + 1) });
run.config["batch"] = { size: 32 };
run.summary["best/acc"] = 0.93;
run.summary["model"] = "small";
run.alert({ title: "accuracy is up", text: "as hoped", level: "info" });
run.alert({ title: "accuracy is up", text: "said twice" });
const writer = new SummaryWriter({ run });
writer.addScalar("tb/loss", 0.5, 19);
writer.addScalars("tb/both", { train: 1, val: 2 }, 19);
writer.addHistogram("tb/weights", [1, 2, 3], 19);
writer.addImage("filters/conv1", { data: new Uint8Array([0, 64, 128, 255]), width: 2, height: 2 }, 19);
run.logImage("activations", { data: Float32Array.of(-1, 0, 1, Number.NaN), width: 2, height: 2 }, { step: 7, caption: "channel 0" });
if (ending === "throw") throw new RangeError("no such layer; token=ghp_abcdefghijklmnopqrstuvwxyz0123");
if (ending === "wait") await setTimeout(60_000);
await run.finish();
