// A training process that logs a step a millisecond and tells each on stdout with the time, until it is killed.
//   node log-steadily.ts GRPC_ADDRESS RUN_ID

import { writeSync } from "node:fs";
import { init } from "@gradwatch/sdk";

const [, , url = "", id = ""] = process.argv;
const run = init({ project: "killed", id, url, verbose: false });
let step = 0;
setInterval(() => {
  run.log({ loss: step / 7 }, { step });
  // At once: what is told has been logged.
  writeSync(1, `${step++} ${Date.now()}\n`);
}, 1);
