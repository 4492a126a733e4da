// Sees to it that no error of ours reaches training: each is told once, as a warning of the process, and training goes on.

export interface Guard {
  run(step: () => void | Promise<void>): void | Promise<void>;
  report(error: unknown): void;
}

/** Different errors that are told. */
const TOLD_MAX = 10;

export function guardTraining(what: string): Guard {
  const told = new Set<string>();
  const report = (error: unknown): void => {
    const message = String(error);
    if (told.has(message) || told.size >= TOLD_MAX) return;
    told.add(message);
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`${what} failed and may miss points; training goes on. ${reason}`, "GradwatchWarning");
  };
  return {
    report,
    run(step) {
      try {
        const running = step();
        return running instanceof Promise ? running.catch(report) : undefined;
      } catch (error) {
        report(error);
        return undefined;
      }
    },
  };
}
