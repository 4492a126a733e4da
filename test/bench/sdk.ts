// What the SDK costs a training: nanoseconds of log(), what it does between steps, CPU share, summaries, bytes, start-up. Each
// beside a bare counterpart in the same run: a push into typed arrays, a plain sum, grpc-js alone.

import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { init, summarize } from "@gradwatch/sdk";
import { startAckServer } from "../processes/ack-server.ts";
import { localKey } from "../processes/local-key.ts";
import { startServer, type ServerProcess } from "../processes/server-process.ts";
import { type Bench, measure, type Measure, type Round } from "./bench.ts";
import { slowRoad } from "./slow-road.ts";

const execute = promisify(execFile);
const script = fileURLToPath(new URL("./log-calls.ts", import.meta.url));
const sdkRoom = fileURLToPath(new URL("../../sdk/typescript/", import.meta.url));
const ROUNDS = 5;

interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

export const sdkBench: Bench = {
  name: "sdk",
  about: "what logging costs the training process",
  async run(progress) {
    const server = await startServer();
    const spools = mkdtempSync(join(tmpdir(), "gradwatch-bench-"));
    const child: Child = async (args, environment = {}) => {
      const { stdout } = await execute(process.execPath, ["--conditions=source", script, ...args], {
        env: { ...process.env, GRADWATCH_CAPTURE: "off", GRADWATCH_SPOOL: join(spools, "spool"), ...environment },
        maxBuffer: 2 ** 26,
      });
      return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as unknown;
    };
    try {
      return [
        ...(await callMeasures(server, child, progress)),
        ...(await turnMeasures(server, child, spools, progress)),
        ...(await shareMeasures(child, progress)),
        ...(await startMeasures(server, child, progress)),
        await summaryMeasure(progress),
        await wireMeasure(spools, progress),
      ];
    } finally {
      await server.dispose();
      rmSync(spools, { recursive: true, force: true });
    }
  },
};

type Child = (args: readonly string[], environment?: Readonly<Record<string, string>>) => Promise<unknown>;
type Progress = (text: string) => void;

async function callMeasures(server: ServerProcess, child: Child, progress: Progress): Promise<Measure[]> {
  const measures: Measure[] = [];
  for (const { keys, calls, goal } of [
    { keys: "literal", calls: 100_000, goal: "≤ 400 ns" },
    { keys: "run-time", calls: 30_000, goal: "≤ 1200 ns" },
  ]) {
    const rounds: { log: Times; push: Times; logNs: number; pushNs: number }[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      progress(`log() with ${keys} keys, round ${round} of ${ROUNDS}`);
      rounds.push((await child(["calls", server.grpc(), keys, String(calls)])) as (typeof rounds)[number]);
    }
    const pairs = (of: (times: Times) => number): Round[] =>
      rounds.map(({ log, push }) => ({ value: of(log), baseline: Math.max(1, of(push)) }));
    measures.push(
      measure(
        `log() of 5 scalars, ${keys} keys`,
        "ns",
        rounds.map(({ logNs, pushNs }) => ({ value: logNs, baseline: Math.max(1, pushNs) })),
        goal,
      ),
      measure(
        `the same, 99 of 100 calls`,
        "ns",
        pairs(({ p99 }) => p99),
        "≤ 3000 ns",
      ),
      measure(
        `the same, 999 of 1 000 calls`,
        "ns",
        pairs(({ p999 }) => p999),
        "≤ 1000000 ns",
      ),
    );
  }
  return measures;
}

/** 1 ms steps in bad company. The baseline is the same loop with all well. */
async function turnMeasures(server: ServerProcess, child: Child, spools: string, progress: Progress): Promise<Measure[]> {
  const steps = "4000";
  const road = await slowRoad(server.grpc(), 1_000);
  const key = { GRADWATCH_API_KEY: localKey(server.grpc()) };
  const disk = smallDisk(spools);
  const companies: readonly { readonly name: string; readonly address: string; readonly environment: Record<string, string> }[] = [
    { name: "server down", address: "127.0.0.1:9", environment: {} },
    { name: "2 s round trip", address: road.address, environment: key },
    ...(disk === undefined
      ? []
      : [{ name: "server down, disk full", address: "127.0.0.1:9", environment: { GRADWATCH_SPOOL: disk.folder } }]),
  ];
  const rounds = new Map<string, { log: Round; turn: Round }[]>();
  try {
    for (let round = 1; round <= 3; round++) {
      progress(`steps of 1 ms, all well, round ${round} of 3`);
      const well = (await child(["turns", server.grpc(), steps])) as { log: Times; turn: Times };
      for (const { name, address, environment } of companies) {
        progress(`steps of 1 ms, ${name}, round ${round} of 3`);
        const { log, turn } = (await child(["turns", address, steps], environment)) as typeof well;
        const pair = (of: "log" | "turn"): Round => ({ value: (of === "log" ? log : turn).p999, baseline: well[of].p999 });
        rounds.set(name, [...(rounds.get(name) ?? []), { log: pair("log"), turn: pair("turn") }]);
      }
    }
  } finally {
    road.close();
    disk?.remove();
  }
  return [...rounds].flatMap(([name, pairs]) => [
    measure(
      `log(), 999 of 1 000 calls, ${name} / all well`,
      "ns",
      pairs.map(({ log }) => log),
      "≤ 1000000 ns",
    ),
    measure(
      `all between two steps, 999 of 1 000, ${name} / all well`,
      "ns",
      pairs.map(({ turn }) => turn),
      null,
    ),
  ]);
}

/** One MiB that fills up at once; undefined where this user may not mount. */
function smallDisk(folder: string): { readonly folder: string; remove(): void } | undefined {
  const mounted = join(folder, "small-disk");
  try {
    mkdirSync(mounted);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "gradwatch-bench", mounted], { stdio: "ignore" });
    return { folder: mounted, remove: () => execFileSync("umount", [mounted]) };
  } catch {
    return undefined;
  }
}

async function shareMeasures(child: Child, progress: Progress): Promise<Measure[]> {
  if (process.platform !== "linux") return [];
  progress("CPU of the main thread, 30 pairs of a second each");
  const server = await startAckServer();
  try {
    const pairs = (await child(["share", server.address, "30"])) as { on: number; off: number }[];
    const rounds = pairs.map(({ on, off }) => ({ value: on - off, baseline: off }));
    return [measure("CPU added to the main thread by 10 scalars a step of 1 ms / of the loop alone", "% of a core", rounds, "≤ 0.5 %")];
  } finally {
    server.close();
  }
}

async function startMeasures(server: ServerProcess, child: Child, progress: Progress): Promise<Measure[]> {
  const starts: Round[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`init(), round ${round} of ${ROUNDS}`);
    const { initMs, bareMs } = (await child(["init", server.grpc()], { GRADWATCH_CAPTURE: "on" })) as { initMs: number; bareMs: number };
    starts.push({ value: initMs, baseline: bareMs });
  }
  progress("building the package");
  await execute("tsc", ["-b", sdkRoom]);
  const imports: Round[] = [];
  const memory: Round[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`import, round ${round} of ${ROUNDS}`);
    const sdk = await importing(['import("@gradwatch/sdk")']);
    const bare = await importing(['import("@grpc/grpc-js")', 'import("@bufbuild/protobuf")']);
    imports.push({ value: sdk.ms, baseline: bare.ms });
    memory.push({ value: sdk.mib, baseline: bare.mib });
  }
  return [
    measure("init() blocks / a bare gRPC client", "ms", starts, "≤ 20 ms"),
    measure("import / grpc-js and protobuf alone", "ms", imports, null),
    measure("resident memory after import / grpc-js and protobuf alone", "MiB", memory, null),
  ];
}

async function importing(imports: readonly string[]): Promise<{ ms: number; mib: number }> {
  const code = `const start = performance.now(); for (const one of [${imports.map((one) => `() => ${one}`).join(", ")}]) await one();
    console.log(JSON.stringify({ ms: performance.now() - start, mib: process.memoryUsage.rss() / 2 ** 20 }));`;
  const { stdout } = await execute(process.execPath, ["--input-type=module", "-e", code], { cwd: sdkRoom });
  return JSON.parse(stdout) as { ms: number; mib: number };
}

async function summaryMeasure(progress: Progress): Promise<Measure> {
  const elements = 10_000_000;
  const values = new Float32Array(elements);
  // Sum of two uniform numbers: values of all sizes.
  let state = 1;
  const uniform = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0) / 2 ** 31;
  for (let i = 0; i < elements; i++) values[i] = uniform() + uniform() * 1e-3;
  const rounds: Round[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    progress(`summary of 10 M elements, round ${round} of ${ROUNDS}`);
    let start = performance.now();
    summarize(values);
    const value = ((performance.now() - start) * 1e6) / elements;
    start = performance.now();
    let sum = 0;
    for (let i = 0; i < elements; i++) sum += values[i] as number;
    const baseline = ((performance.now() - start) * 1e6) / elements;
    if (!Number.isFinite(sum)) throw new Error("the sum of finite values is finite");
    // The first one warms up.
    if (round > 0) rounds.push({ value, baseline });
  }
  return measure("summary of 10 M float32 / their plain sum", "ns an element", rounds, "≤ 8 ns");
}

/** Of batches as they lie in the spool: what is sent, and the heads of records. Baseline: value and step as float64. */
async function wireMeasure(spools: string, progress: Progress): Promise<Measure> {
  progress("bytes on the wire");
  const folder = join(spools, "bytes");
  const run = init({ project: "bench", id: "bytes", spool: folder, mode: "offline", verbose: false, capture: false });
  const steps = 20_000;
  for (let step = 0; step < steps; step++) run.log({ loss: Math.random(), accuracy: Math.random(), rate: 0.1 }, { step });
  await run.finish();
  const [producer = ""] = readdirSync(folder);
  const segments = readdirSync(join(folder, producer)).filter((name) => name.endsWith(".seg"));
  const bytes = segments.reduce((sum, name) => sum + statSync(join(folder, producer, name)).size, 0);
  return measure(
    "bytes of a point of a regular series / of two float64",
    "bytes",
    [{ value: bytes / steps / 3, baseline: 16 }],
    "≤ 10 bytes",
  );
}
