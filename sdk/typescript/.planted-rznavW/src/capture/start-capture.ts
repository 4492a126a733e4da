// Starts what is captured beside the log, and stops it with the run.

import { create } from "@bufbuild/protobuf";
import { ConsoleLineSchema, ConsoleStream, RunEnvironmentSchema } from "@gradwatch/proto";
import type { Environment } from "../environment.ts";
import type { RunSession } from "../run-session.ts";
import { readAccelerators } from "./accelerators.ts";
import type { CaptureSettings } from "./capture-settings.ts";
import { captureConsole } from "./console-lines.ts";
import { describeRepository } from "./machine.ts";
import { createUsageMeter } from "./usage.ts";

const USAGE_INTERVAL_MS = 10_000;

export interface CaptureOptions {
  readonly capture: CaptureSettings;
  readonly environment: Environment;
  readonly session: RunSession;
  /** Tells the machine's own values: of the ranks on it, one does. */
  readonly isFirstOnMachine: boolean;
}

export interface Capture {
  stop(): void;
  /** Resolves when what was asked at the beginning is told, or after a moment: a short run should not miss its commit. */
  told(): Promise<void>;
}

const PATIENCE_MS = 1_000;

export function startCapture({ capture, environment, session, isFirstOnMachine }: CaptureOptions): Capture {
  let stopped = false;
  let cancel = (): void => undefined;

  async function tellSurroundings(): Promise<void> {
    const [git, accelerators] = await Promise.all([
      capture.git ? describeRepository(process.cwd()) : undefined,
      capture.environment ? readAccelerators() : [],
    ]);
    if (stopped || (git === undefined && accelerators.length === 0)) return;
    session.event({
      case: "environment",
      value: create(RunEnvironmentSchema, { ...git, accelerators: accelerators.map(({ name }) => name) }),
    });
  }

  function measureUsage(): void {
    const meter = createUsageMeter(environment.nowMs);
    const again = (): void => {
      cancel = environment.later(USAGE_INTERVAL_MS, () => {
        void meter.sample(isFirstOnMachine).then((values) => {
          if (stopped) return;
          session.usage(values);
          again();
        });
      });
    };
    again();
  }

  const stopConsole = capture.console
    ? captureConsole({
        nowMs: environment.nowMs,
        lost: (lines) => session.lost("console too fast", lines),
        line: ({ stream, text }) =>
          session.console(
            create(ConsoleLineSchema, {
              timeMs: BigInt(environment.nowMs()),
              stream: stream === "stdout" ? ConsoleStream.STDOUT : ConsoleStream.STDERR,
              text,
            }),
          ),
      })
    : () => undefined;
  // Later: init() has returned by then.
  const telling = capture.git || capture.environment ? Promise.resolve().then(tellSurroundings) : undefined;
  if (capture.usage) measureUsage();

  return {
    stop() {
      if (stopped) return;
      stopConsole();
      stopped = true;
      cancel();
    },
    async told() {
      if (telling === undefined) return;
      await Promise.race([telling, new Promise<void>((resolve) => void environment.later(PATIENCE_MS, resolve))]);
    },
  };
}
