// `npm run demo`: the main job on real parts. Starts a server, trains three networks in processes of their own, prints
// each alert as it fires and leaves the page up until Ctrl-C. With --once it ends by itself: exit code 0 exactly when
// each training fired the alerts that it should, and no other.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Incident } from "@gradwatch/server/api-types";
import { type ServerProcess, startServer } from "../processes/server-process.ts";
import { followProject, INTERVAL_MS } from "./follow-project.ts";
import { alertText, progressText, verdictOn } from "./print.ts";
import { openScreen, type Screen } from "./screen.ts";
import { type Training, trainings } from "./trainings.ts";

/** How long the rules may take, after the last training has ended, until what should fire has fired. */
const SETTLE_MS = 10_000;

const { values } = parseArgs({ options: { once: { type: "boolean", default: false }, seed: { type: "string", default: "1" } } });
const interrupted = new AbortController();
// More than once: a terminal sends it to the whole group, and some wrappers pass it on again.
process.on("SIGINT", () => interrupted.abort()).on("SIGTERM", () => interrupted.abort());

const screen = openScreen(process.stdout, Date.now);
screen.write("Starting Gradwatch with its embedded engine …");
const server = await startServer();
try {
  screen.write(`The page: ${server.page()}\n`);
  const asExpected = await runTrainings(server, screen);
  process.exitCode = asExpected ? 0 : 1;
  if (!values.once && !interrupted.signal.aborted) {
    screen.write(`\nThe page stays up: ${server.page()}  (Ctrl-C ends it; the demo's data goes with it)`);
    // A promise alone does not keep the process; a listener on the server's end does, and tells if it ends by itself.
    await new Promise((resolve) => interrupted.signal.addEventListener("abort", resolve));
  }
} finally {
  await server.stop();
  await server.dispose();
}

async function runTrainings(running: ServerProcess, output: Screen): Promise<boolean> {
  const failures = new Map<string, string>();
  const ended = new Set<string>();
  const children = trainings.map((training) => startTraining(training, running));
  interrupted.signal.addEventListener("abort", () => children.forEach((child) => child.kill()));
  const allEnded = trainings.map(async ({ id }, i) => {
    const failure = await failureOf(children[i] as ChildProcess);
    if (failure !== undefined) failures.set(id, failure);
    ended.add(id);
  });

  const told = new Map<string, Incident>();
  let settling = SETTLE_MS / INTERVAL_MS;
  for await (const { runs, incidents } of followProject(running.http(), "demo")) {
    for (const incident of incidents.toReversed()) {
      if (incident.firingStep === null || told.has(incident.id)) continue;
      told.set(incident.id, incident);
      output.write(`${alertText(incident)}\n`);
    }
    output.progress(
      trainings.map((one) =>
        progressText(
          one,
          runs.find(({ run }) => run === one.id),
          ended.has(one.id),
        ),
      ),
    );
    if (ended.size < trainings.length) continue;
    settling -= 1;
    const { asExpected } = verdictOn(trainings, [...told.values()], failures);
    if (asExpected || settling <= 0 || interrupted.signal.aborted) break;
  }
  await Promise.all(allEnded);
  output.end();
  const verdict = verdictOn(trainings, [...told.values()], failures);
  output.write(verdict.text);
  return verdict.asExpected;
}

function startTraining(training: Training, running: ServerProcess): ChildProcess {
  const script = fileURLToPath(new URL("./train.ts", import.meta.url));
  // What is broken off goes with the demo's data, and is nobody's leftover.
  const env = { ...process.env, GRADWATCH_SPOOL: join(running.dataFolder, "spool") };
  return spawn(process.execPath, ["--conditions=source", script, training.id, values.seed, running.grpc()], {
    stdio: ["ignore", "ignore", "pipe"],
    env,
  });
}

/** Resolves when the process has ended: undefined, or how it failed. */
async function failureOf(child: ChildProcess): Promise<string | undefined> {
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return code === 0 ? undefined : `its process ended with ${signal ?? code}:\n${stderr.trim()}`;
}
