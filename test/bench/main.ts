// `npm run bench [-- NAME…] [--json]`: runs the named benchmarks, or all of them.

import { parseArgs } from "node:util";
import { type Bench, type BenchResult, machine, tableOf } from "./bench.ts";
import { diskBench } from "./disk.ts";
import { ingestBench } from "./ingest.ts";
import { queryBench } from "./query.ts";
import { sdkBench } from "./sdk.ts";
import { seriesBench } from "./series.ts";
import { tensorsBench } from "./tensors.ts";
import { tfjsBench } from "./tfjs.ts";

const benches: readonly Bench[] = [ingestBench, tensorsBench, seriesBench, queryBench, diskBench, sdkBench, tfjsBench];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean", default: false } } });
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `there is no benchmark ${unknown.join(", ")}; there are ${benches.map(({ name, about }) => `\n  ${name}: ${about}`).join("")}\n`,
  );
  process.exit(2);
}

const progress = (text: string): void => void process.stderr.write(process.stderr.isTTY ? `\r\u001B[K${text}` : `${text}\n`);
const results: BenchResult[] = [];
for (const bench of benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const measures = await bench.run((text) => progress(`${bench.name}: ${text}`));
  results.push({ name: bench.name, machine: machine(), measures });
  if (process.stderr.isTTY) process.stderr.write("\r\u001B[K");
  if (!values.json) process.stdout.write(`${tableOf(results.at(-1) as BenchResult)}\n\n`);
}
if (values.json) process.stdout.write(`${JSON.stringify({ benches: results }, null, 2)}\n`);
